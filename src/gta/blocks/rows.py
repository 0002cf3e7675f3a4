"""Features as rows: one row of C channels for each frame and position.

Channels-last memory holds a feature (B, C, T, H, W) as (B, T, H, W, C), so rows are a view of it,
and a 1x1x1 convolution is a linear layer on them.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d


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
