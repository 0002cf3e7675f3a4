"""What all networks say about an input that is no batch of clips."""

from torch import Tensor

CHANNELS = 3


def require_clips(x: Tensor) -> None:
    """Raise unless x is a batch of RGB clips (B, 3, T, H, W) of floating point numbers.

    Looks at shape and type alone: nothing is computed, and nothing remains of it in a compiled or
    exported network.

    Raises:
        TypeError: It is no tensor, or one of integers.
        ValueError: Its axes are others, or in another order.
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"expects a tensor (B, C, T, H, W); got {type(x).__module__}.{type(x).__name__}: make "
            f"it one with torch.as_tensor(...)"
        )
    if x.dim() != 5 or x.shape[1] != CHANNELS:
        raise ValueError(f"expects (B, C, T, H, W); got {tuple(x.shape)}: {_way_out(x)}")
    if not x.is_floating_point():
        raise TypeError(
            f"expects floating point numbers; got {x.dtype}: gta.data.transforms.normalize makes "
            f"the network's input of frames of 0 to 255"
        )


def _way_out(x: Tensor) -> str:
    shape = tuple(x.shape)
    if x.dim() == 4 and shape[0] == CHANNELS:
        return "one clip is a batch of one, clip[None]"
    if x.dim() == 4 and shape[1] == CHANNELS:
        return "frames (T, C, H, W) are the clip frames.transpose(0, 1)[None]"
    if x.dim() == 4 and shape[3] == CHANNELS:
        return "frames (T, H, W, C) are the clip frames.permute(3, 0, 1, 2)[None]"
    if x.dim() == 5 and shape[2] == CHANNELS:
        return f"channels second, {CHANNELS} of them; clips.transpose(1, 2) exchanges them with T"
    if x.dim() == 5 and shape[4] == CHANNELS:
        return f"channels second, {CHANNELS} of them; clips.permute(0, 4, 1, 2, 3) puts them there"
    return f"channels second, {CHANNELS} of them (red, green, blue)"
