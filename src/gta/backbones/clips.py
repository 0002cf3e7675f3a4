"""What all networks say about an input that is no batch of clips."""

from torch import Tensor

from gta.blocks.frames import require_axes

CHANNELS = 3


def require_clips(x: Tensor) -> None:
    """Raise unless x is a batch of RGB clips (B, 3, T, H, W) of floating point numbers.

    Raises:
        TypeError: It is no tensor, or one of integers.
        ValueError: Its axes are others, or in another order.
    """
    require_axes(
        x,
        CHANNELS,
        expected="(B, C, T, H, W)",
        way_out=lambda shape: f": {_way_out(shape)}",
        remedy=(
            "gta.data.transforms.clip.normalize makes the network's input of frames of 0 to 255"
        ),
    )


def _way_out(shape: tuple[int, ...]) -> str:
    axes = len(shape)
    if axes == 4 and shape[0] == CHANNELS:
        return "one clip is a batch of one, clip[None]"
    if axes == 4 and shape[1] == CHANNELS:
        return "frames (T, C, H, W) are the clip frames.transpose(0, 1)[None]"
    if axes == 4 and shape[3] == CHANNELS:
        return "frames (T, H, W, C) are the clip frames.permute(3, 0, 1, 2)[None]"
    if axes == 5 and shape[2] == CHANNELS:
        return f"channels second, {CHANNELS} of them; clips.transpose(1, 2) exchanges them with T"
    if axes == 5 and shape[4] == CHANNELS:
        return f"channels second, {CHANNELS} of them; clips.permute(0, 4, 1, 2, 3) puts them there"
    return f"channels second, {CHANNELS} of them (red, green, blue)"
