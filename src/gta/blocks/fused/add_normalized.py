"""The end of every block: x + norm(W a + b), with batch statistics from the narrow side.

Batch normalization needs the mean and the variance of each channel of W a + b over the M rows. Both
follow from the narrow rows a (M, D): the mean is W mean(a) + b, the variance the diagonal of
W cov(a) W^T. So the wide tensor is never made: normalization becomes a factor and a bias of W,

    norm(W a + b) = (g W) a + (beta - g W mean(a)),  g = gamma / sqrt(var + eps)

where b cancels, as it does in every batch normalization.

Axes: M rows, C channels, D width of a branch.
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, linear

from gta.blocks.features import from_rows, to_rows
from gta.blocks.fused.gradients import by_hand, gradients, own_types
from gta.blocks.fused.parts import fuses
from gta.blocks.fused.products import HALF, add_products, column_sums, weights_of

_PARTS = 16
"""Products of long columns are summed in so many parts: their small differences need the digits."""

Term = tuple[Tensor, nn.Module, nn.Module]
"""Rows (B, T, H, W, D), a projection from D to C channels, and the normalization after it."""


def add_normalized(rows: Tensor, *terms: Term) -> Tensor:
    """The rows (B, T, H, W, C), plus norm(output(a)) of one or two terms (a, output, norm)."""
    parts = [part for _, output, norm in terms for part in (output, norm)]
    if fuses(rows, *parts) and all(_keeps_statistics(norm) for _, _, norm in terms):
        training = {norm.training for _, _, norm in terms}
        # of few rows the wide tensor is small, and their variance may lose its digits
        many = rows[..., 0].numel() >= 2 * rows.shape[-1]
        alike = len({(attended.shape[-1], norm.eps) for attended, _, norm in terms}) == 1
        if training == {True} and many and alike:
            return _add_in_training(rows, terms)
        if training == {False} and not torch.is_grad_enabled():
            folded = [_with_running_statistics(output, norm) for _, output, norm in terms]
            return _add_folded(rows, terms, folded)
    # cuDNN's batch normalization asks for a memory layout that `vmap` cannot tell
    transformed = not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active()
    with torch.backends.cudnn.flags(enabled=False) if transformed else nullcontext():
        for attended, output, norm in terms:
            rows = rows + to_rows(norm(from_rows(output(attended))))
    return rows


def _keeps_statistics(norm: nn.Module) -> bool:
    return isinstance(norm, nn.BatchNorm3d) and norm.track_running_stats and norm.affine


def _add_folded(rows: Tensor, terms: Sequence[Term], folded: Sequence[tuple[Tensor, Tensor]]):
    pairs = [
        (attended.flatten(0, -2), weight.to(rows.dtype).t())
        for (attended, _, _), (weight, _) in zip(terms, folded, strict=True)
    ]
    bias = sum((bias for _, bias in folded[1:]), folded[0][1])
    return add_products(rows.flatten(0, -2), bias, *pairs).view_as(rows)


def _with_running_statistics(output: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight (C, D) and bias (C,) of norm(output(a)) in evaluation."""
    weight, bias = weights_of(output)
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    assert isinstance(norm, nn.BatchNorm3d)
    factor = norm.weight * torch.rsqrt(variance + norm.eps)
    return weight * factor[:, None], norm.bias - (mean - bias) * factor


def _add_in_training(rows: Tensor, terms: Sequence[Term]) -> Tensor:
    attended, outputs, norms = zip(*terms, strict=True)
    weights, biases = zip(*map(weights_of, outputs), strict=True)
    flat = [*weights, *biases, *(norm.weight for norm in norms), *(norm.bias for norm in norms)]
    flat += [a.flatten(0, -2) for a in attended]
    with own_types(rows):  # half precision has no digits for small differences of covariances
        y, means, variances = _AddNormalized.apply(rows.flatten(0, -2), norms[0].eps, *flat)
    for norm, bias, mean, variance in zip(norms, biases, means, variances, strict=True):
        _update(norm, mean + bias.detach(), variance, len(y))
    return y.view_as(rows)


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(parts)) if len(parts) > 1 else parts[0][None]


@torch.no_grad()
def _update(norm: nn.BatchNorm3d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Running statistics, as `nn.BatchNorm3d` keeps them: the variance without bias."""
    batches = norm.get_buffer("num_batches_tracked")
    batches.add_(1)
    # momentum None: the average of all batches
    momentum = 1 / batches.to(mean.dtype) if norm.momentum is None else norm.momentum
    unbiased = variance * (count / max(count - 1, 1))
    for name, value in (("running_mean", mean), ("running_var", unbiased)):
        running = norm.get_buffer(name)
        running.copy_(running + (value - running) * momentum)  # rounded once


def _moments(a: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of rows (M, D), in float32 at least."""
    exact = torch.promote_types(a.dtype, torch.float32)
    # the compiler's sum takes half the time of the product, that of eager mode five times as long
    total = a.sum(0, dtype=exact) if torch.compiler.is_compiling() else column_sums(a, exact)
    mean = total / len(a)
    if a.dtype is torch.bfloat16:  # whose squares have all their digits in float32
        return mean, _long_product(a, a) / len(a) - torch.outer(mean, mean)
    centered = a - mean
    return mean, _long_product(centered, centered) / len(a)


def _long_product(a: Tensor, b: Tensor) -> Tensor:
    """The product a^T b (D, C) of rows (M, D) and (M, C), in float32 at least."""
    exact = torch.promote_types(a.dtype, torch.float32)
    if a.is_cuda and a.dtype in HALF:
        return torch.mm(a.t(), b, out_dtype=exact)
    parts = math.gcd(len(a), _PARTS)
    a, b = (rows.to(exact).unflatten(0, (parts, -1)) for rows in (a, b))
    return (a.transpose(1, 2) @ b).sum(0)


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    """(N, C, D) by (N, D): (N, C). The compiler puts such sums into one kernel."""
    return (matrices * vectors[:, None]).sum(2)


def _by_kind(flat: Sequence[Tensor]) -> list[Sequence[Tensor]]:
    """Weights, biases, gammas, betas and attended rows of all terms."""
    terms = len(flat) // 5
    return [flat[i : i + terms] for i in range(0, len(flat), terms)]


def _twin(ctx: Any, upstream: Tensor, *_: Tensor):
    inputs = ctx.saved_tensors[4:]
    added = [
        batch_norm(linear(a, w.to(a.dtype), b.to(a.dtype)), None, None, g, beta, True, 0.0, ctx.eps)
        for w, b, g, beta, a in zip(*_by_kind(inputs), strict=True)
    ]
    return upstream, None, *gradients(inputs, added, [upstream] * len(added))


class _AddNormalized(torch.autograd.Function):
    """Of rows (M, C), eps, and of N terms: all W (C, D), all b, gamma, beta (C), all a (M, D).

    The terms' small matrices are worked on together: W is (N, C, D) within.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, eps: float, *flat: Tensor):
        *parts, attended = _by_kind(flat)
        weight, _, gamma, beta = map(_stacked, parts)
        mean, covariance = map(_stacked, zip(*map(_moments, attended), strict=True))
        spread = weight.to(mean.dtype) @ covariance
        variance = (spread * weight).sum(2).clamp_min(0)
        center = _times(weight.to(mean.dtype), mean)
        root = torch.rsqrt(variance + eps)
        folded = (weight * (gamma * root)[..., None]).to(rows.dtype)
        shift = (beta - _times(folded.to(mean.dtype), mean)).sum(0)  # as rounded as the products
        ctx.save_for_backward(mean, spread, center, root, *flat)
        ctx.eps = eps
        ctx.mark_non_differentiable(center, variance)
        pairs = [(a, w.t()) for a, w in zip(attended, folded, strict=True)]
        return add_products(rows, shift, *pairs), center, variance

    @staticmethod
    @by_hand(_twin)
    def backward(ctx: Any, upstream: Tensor, *_: Tensor):  # pyright: ignore
        mean, spread, center, root, *flat = ctx.saved_tensors
        *parts, attended = _by_kind(flat)
        weight, bias, gamma, beta = map(_stacked, parts)  # kept, they would be copies of parameters
        count, factor = len(upstream), gamma * root
        folded = (weight * factor[..., None]).to(upstream.dtype)
        of_shift = column_sums(upstream, mean.dtype)
        of_folded = torch.stack([_long_product(a, upstream).t() for a in attended])
        of_factor = (of_folded * weight).sum(2) - of_shift * center
        of_variance = -0.5 * of_factor * factor * root**2
        of_weight = (
            of_folded * factor[..., None]
            - (of_shift * factor)[..., None] * mean[:, None]
            + 2 * of_variance[..., None] * spread
        )
        of_covariance = weight.mT.to(mean.dtype) @ (of_variance[..., None] * weight)
        of_beta = of_shift.repeat(len(beta), 1)  # not expanded: gradients are changed in place
        both = of_covariance * (2 / count)
        if upstream.is_cuda and upstream.dtype is torch.bfloat16:
            both = both.to(upstream.dtype)  # for the kernel; float16 has no digits so near to 0
        # of both as rounded, so that the columns of the gradient sum to 0
        constant = _times(folded.mT.to(mean.dtype), -of_beta) / count
        constant = constant - _times(both.mT.to(mean.dtype), mean)
        of_attended = [
            add_products(None, shift, (upstream, w), (a, v))
            for shift, w, a, v in zip(constant, folded, attended, both, strict=True)
        ]
        of_parts = of_weight, torch.zeros_like(bias), of_factor * root, of_beta
        of_flat = [one for every in of_parts for one in every] + of_attended
        return upstream, None, *(g.to(x.dtype) for g, x in zip(of_flat, flat, strict=True))
