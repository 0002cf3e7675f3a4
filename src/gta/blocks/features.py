"""The features that blocks map: what they must be, and the layers on their rows.

Channels-last memory holds a feature (B, C, T, H, W) as (B, T, H, W, C), so rows, one of C channels
for each frame and position, are a view of it, and a 1x1x1 convolution is a linear layer on them.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d


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


def to_rows(x: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B, T, H, W, C): a view of channels-last memory, of other a copy."""
    return x.movedim(1, -1).contiguous()


def from_rows(rows: Tensor, like: Tensor | None = None) -> Tensor:
    """(B, T, H, W, C) to (B, C, T, H, W), a view; a copy where `like` is not channels-last.

    The layers after a block then compute as they did without it, to the last bit: what they are
    given has the memory layout of `like`, the block's input.
    """
    y = rows.movedim(-1, 1)
    if like is None or like.movedim(1, -1).is_contiguous():
        return y
    return torch.empty_like(like).copy_(y)


def pool_rows(rows: Tensor) -> Tensor:
    """Max-pool 1x2x2 of rows; an axis of length 1 is left as it is."""
    B, T, H, W, _ = rows.shape
    h, w = min(2, H), min(2, W)
    if torch.compiler.is_compiling() and rows.is_cuda:
        # compiled, its gradient is part of the sum that it goes into; that of max_pool2d is slow
        whole = rows[:, :, : H // h * h, : W // w * w]
        return whole.unflatten(3, (-1, w)).unflatten(2, (-1, h)).amax((3, 5))
    frames = rows.flatten(0, 1).movedim(-1, 1)  # (B*T, D, H, W)
    return max_pool2d(frames, (h, w)).movedim(1, -1).unflatten(0, (B, T))


class Projection(nn.Linear):
    """A linear layer on rows, which also loads the weights of a 1x1x1 convolution."""

    def _load_from_state_dict(self, state_dict, prefix, *arguments):  # pyright: ignore
        weight = state_dict.get(f"{prefix}weight")
        if isinstance(weight, Tensor) and weight.shape[2:].numel() == 1:  # (D, C, 1, 1, 1)
            state_dict[f"{prefix}weight"] = weight.flatten(1)
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def zero_norm(channels: int) -> nn.BatchNorm3d:
    """Batch normalization whose weight (and bias) start at zero.

    A block that ends in it adds nothing to its input when it is inserted, so a pretrained network
    keeps its logits; the first gradient steps open it.
    """
    norm = nn.BatchNorm3d(channels)
    nn.init.zeros_(norm.weight)
    return norm
