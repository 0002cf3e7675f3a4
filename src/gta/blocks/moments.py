"""Mean and covariance of narrow tokens, from which the statistics of wide ones follow.

The gradients are written by hand, because the sums that autograd would make of them are passes over
large tensors.

Axes: M tokens, D channels, F frames, N tokens of a frame (M = F*N), S keys or regions of a frame.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gta.blocks.wide_sum import add_products, without_autocast

_PARTS = 16
"""Products of long columns are summed in so many parts: their small differences need the digits."""


def moments(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of tokens (M, D): themselves, to go on with; mean (D,) and covariance (D, D) in float32."""
    return _Moments.apply(a)


def moments_of_shares(p: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the tokens p v, from p (F, N, S) and v (F, S, D).

    Rows of p sum to one. With s the sums of p over the tokens of a frame and Q = p^T p, the mean
    is s v / M and the covariance (v - mean)^T Q (v - mean) / M, summed over the frames.
    """
    return _MomentsOfShares.apply(p, v)


class _Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a):
        parts = a.unflatten(0, (math.gcd(len(a), _PARTS), -1))
        mean = parts.sum(1, dtype=torch.promote_types(a.dtype, torch.float32)).sum(0) / len(a)
        second = product(parts.transpose(1, 2), parts).sum(0) / len(a)
        ctx.save_for_backward(a, mean)
        return a.view_as(a), mean, second - torch.outer(mean, mean)

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_a, of_mean, of_covariance):  # pyright: ignore
        a, mean = ctx.saved_tensors
        both = (of_covariance + of_covariance.t()) / len(a)
        constant = of_mean / len(a) - mean @ both
        return add_products(of_a[None], constant, (a, both.to(a.dtype)))[0]


class _MomentsOfShares(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, p, v):
        count = p.shape[0] * p.shape[1]
        sums = p.sum(1, dtype=torch.promote_types(p.dtype, torch.float32))
        mean = product(sums.to(v.dtype).view(1, 1, -1), v.flatten(0, 1)[None])[0, 0] / count
        centred = v - mean.to(v.dtype)
        spread = (p.transpose(1, 2) @ p) @ centred  # Q (v - mean): (F, S, D)
        rows = spread.flatten(0, 1)[None], centred.flatten(0, 1)[None]
        covariance = product(rows[0].transpose(1, 2), rows[1])[0] / count
        ctx.save_for_backward(p, sums, mean, centred, spread)
        return mean, covariance

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_mean, of_covariance):  # pyright: ignore
        p, sums, mean, centred, spread = ctx.saved_tensors
        count = p.shape[0] * p.shape[1]
        both = ((of_covariance + of_covariance.t()) / count).to(p.dtype)
        of_centred = spread @ both
        of_mean = of_mean - of_centred.sum((0, 1), dtype=mean.dtype)
        of_sums = ((centred @ of_mean.to(p.dtype)) + mean @ of_mean) / count
        of_p = p @ ((centred @ both) @ centred.transpose(1, 2)) + of_sums[:, None].to(p.dtype)
        return of_p, of_centred + (sums[..., None] * (of_mean / count)).to(p.dtype)


def product(left: Tensor, right: Tensor) -> Tensor:
    """Batched matrix product (.., I, J) (.., J, K) that is summed and kept in float32 at least."""
    if left.dtype in (torch.float32, torch.float64):
        return left @ right
    if left.is_cuda:
        return torch.bmm(left, right, out_dtype=torch.float32)
    return left.float() @ right.float()
