"""What blocks and networks say about an input that is not theirs."""

from collections.abc import Callable

from torch import Tensor


def require_frames(x: Tensor, num_frames: int) -> None:
    """Raise `ValueError` unless x of shape (B, C, T, H, W) has T = num_frames."""
    if x.shape[2] != num_frames:
        raise ValueError(
            f"this model was built for {num_frames} frames, got {x.shape[2]}: give it "
            f"clips of {num_frames} frames, or build it with num_frames={x.shape[2]}"
        )


def require_feature(x: Tensor, channels: int) -> None:
    """Raise unless x is a feature (B, C, T, H, W) of that many channels, of floating point numbers.

    Raises:
        TypeError: It is no tensor, or one of integers.
        ValueError: Its axes are others, or in another order.
    """
    require_axes(
        x,
        channels,
        expected=f"(B, C, T, H, W) with C = {channels}",
        way_out=lambda shape: _way(shape, channels),
        remedy="x.float() makes them",
    )


def require_axes(
    x: Tensor,
    channels: int,
    *,
    expected: str,
    way_out: Callable[[tuple[int, ...]], str],
    remedy: str,
) -> None:
    """Raise unless x has five axes, channels second, and floating point numbers.

    Looks at shape and type alone: nothing is computed, and nothing remains of it in a compiled or
    exported network.

    Args:
        x: The input.
        channels: How many there are to be.
        expected: The axes, in words.
        way_out: From a wrong shape to what is said of it after the shape.
        remedy: For integers.
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"expects a tensor (B, C, T, H, W); got {type(x).__module__}.{type(x).__name__}: make "
            f"it one with torch.as_tensor(...)"
        )
    shape = tuple(x.shape)
    if len(shape) != 5 or shape[1] != channels:
        raise ValueError(f"expects {expected}; got {shape}{way_out(shape)}")
    if not x.is_floating_point():
        raise TypeError(f"expects floating point numbers; got {x.dtype}: {remedy}")


def _way(shape: tuple[int, ...], channels: int) -> str:
    if len(shape) == 5 and shape[2] == channels:
        return ": channels second; x.transpose(1, 2) exchanges them with T"
    if len(shape) == 5 and shape[4] == channels:
        return ": channels second; x.permute(0, 4, 1, 2, 3) puts them there"
    if len(shape) == 4 and shape[0] == channels:
        return ": one feature is a batch of one, x[None]"
    if len(shape) == 4 and shape[1] == channels:
        return (
            ": of the frames of one clip, x.transpose(0, 1)[None]; of single frames, x[:, :, None]"
        )
    return ""
