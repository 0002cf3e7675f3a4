"""Sums and products of narrow tokens, from which the statistics of wide ones follow.

Axes: F frames, N tokens of a frame, S keys, regions or channels.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gta.blocks.wide_sum import without_autocast


def gram(p: Tensor) -> tuple[Tensor, Tensor]:
    """For each frame the sum over its tokens, and the products p^T p; float32 at least.

    Args:
        p: (F, N, S).

    Returns:
        (F, S) and (F, S, S).
    """
    return _Gram.apply(p)


class _Gram(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, p):
        ctx.save_for_backward(p)
        return p.sum(1, dtype=torch.promote_types(p.dtype, torch.float32)), _products(p)

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_sums, of_products):  # pyright: ignore
        (p,) = ctx.saved_tensors
        both = of_products + of_products.transpose(1, 2)
        return torch.baddbmm(of_sums[:, None].to(p.dtype), p, both.to(p.dtype))


def _products(p: Tensor) -> Tensor:
    if p.dtype in (torch.float32, torch.float64):
        return p.transpose(1, 2) @ p
    if p.is_cuda:
        return torch.bmm(p.transpose(1, 2), p, out_dtype=torch.float32)
    return p.transpose(1, 2).float() @ p.float()
