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
        if training == {True} and rows[..., 0].numel() >= 2 * rows.shape[-1]:
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
    flat, eps = [], []
    for attended, output, norm in terms:
        assert isinstance(norm, nn.BatchNorm3d)
        flat += [attended.flatten(0, -2), *weights_of(output), norm.weight, norm.bias]
        eps.append(norm.eps)
    with own_types(
        rows
    ):  # covariances in half precision would not even have the size of small ones
        y, *statistics = _AddNormalized.apply(rows.flatten(0, -2), eps, *flat)
    for (_, output, norm), (mean, variance) in zip(terms, _grouped(statistics, 2), strict=True):
        assert isinstance(norm, nn.BatchNorm3d)
        _update(norm, mean + weights_of(output)[1].detach(), variance, len(y))
    return y.view_as(rows)


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
        running.add_(((value - running) * momentum).to(running.dtype))


def _grouped(flat: Sequence, size: int) -> list[Sequence]:
    return [flat[i : i + size] for i in range(0, len(flat), size)]


def _moments(a: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of rows (M, D), in float32 at least."""
    exact = torch.promote_types(a.dtype, torch.float32)
    # the compiler's sum takes half the time of the product, that of eager mode five times as long
    total = a.sum(0, dtype=exact) if torch.compiler.is_compiling() else column_sums(a, exact)
    mean = total / len(a)
    if a.dtype in HALF:  # which has its digits in the product
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


def _twin(ctx: Any, upstream: Tensor, *_: Tensor):
    inputs = ctx.saved_tensors[: 5 * len(ctx.eps)]
    added = [
        batch_norm(linear(a, w.to(a.dtype), b.to(a.dtype)), None, None, gamma, beta, True, 0.0, eps)
        for (a, w, b, gamma, beta), eps in zip(_grouped(inputs, 5), ctx.eps, strict=True)
    ]
    return upstream, None, *gradients(inputs, added, [upstream] * len(added))


class _AddNormalized(torch.autograd.Function):
    """Of rows (M, C), eps and, for each term, a (M, D), W (C, D), b, gamma and beta (C)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, eps: Sequence[float], *flat: Tensor):
        pairs, shift, moments, statistics = [], None, [], []
        for (a, weight, _, gamma, beta), small in zip(_grouped(flat, 5), eps, strict=True):
            mean, covariance = _moments(a)
            spread = weight.to(mean.dtype) @ covariance
            variance = (spread * weight).sum(1).clamp_min(0)
            center, root = weight.to(mean.dtype) @ mean, torch.rsqrt(variance + small)
            factor = gamma * root
            folded = (weight * factor[:, None]).to(a.dtype)
            pairs.append((a, folded.t()))
            its_shift = beta - folded.to(mean.dtype) @ mean  # not `center`: as rounded as y
            shift = its_shift if shift is None else shift + its_shift
            moments += [mean, spread, center, root]
            statistics += [center, variance]
        ctx.save_for_backward(*flat, *moments)
        ctx.eps = eps
        ctx.mark_non_differentiable(*statistics)
        return add_products(rows, shift, *pairs), *statistics

    @staticmethod
    @by_hand(_twin)
    def backward(ctx: Any, upstream: Tensor, *_: Tensor):  # pyright: ignore
        saved, size = ctx.saved_tensors, 5 * len(ctx.eps)
        flat, moments = saved[:size], saved[size:]
        count, of_all = len(upstream), []
        of_shift = column_sums(upstream, torch.promote_types(upstream.dtype, torch.float32))
        for (a, weight, bias, gamma, beta), (mean, spread, center, root) in zip(
            _grouped(flat, 5), _grouped(moments, 4), strict=True
        ):
            factor = gamma * root
            folded = (weight * factor[:, None]).to(a.dtype)
            of_folded = _long_product(a, upstream).t()
            of_factor = (of_folded * weight).sum(1) - of_shift * center
            of_variance = -0.5 * of_factor * factor * root**2
            of_center = -of_shift * factor
            of_weight = (
                of_folded * factor[:, None]
                + of_center[:, None] * mean
                + 2 * of_variance[:, None] * spread
            )
            of_covariance = weight.t().to(mean.dtype) @ (of_variance[:, None] * weight)
            both = (of_covariance * (2 / count)).to(a.dtype)
            # of both as rounded, so that the columns of the gradient sum to 0
            constant = -(of_shift @ folded.to(mean.dtype)) / count - mean @ both.to(mean.dtype)
            of_a = add_products(None, constant, (upstream, folded), (a, both))
            of_all += [of_a, of_weight.to(weight.dtype), torch.zeros_like(bias)]
            of_all += [(of_factor * root).to(gamma.dtype), of_shift.to(beta.dtype)]
        return upstream, None, *of_all
