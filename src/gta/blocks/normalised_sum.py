"""Output projections, their batch normalisations and the residual sum, in one matrix product.

A block ends in y = x + sum over branches of norm(W a + b), with a (M, D) narrow, W a (M, C) wide.
Batch normalisation needs the mean and the variance of each channel of W a + b over the M tokens.
Both follow from the narrow a: the mean is W mean(a) + b, the variance the diagonal of
W cov(a) W^T. So the wide tensor is never made: its statistics come from one small product a^T a,
and normalisation becomes a factor and a bias of W,

    y = x + sum_p a_p (g_p W_p)^T + sum_p (beta_p - g_p W_p mean(a_p)),  g = gamma / sqrt(var + eps)

This is exact, and is one product of x's size. The bias is the product with a column of ones, which
also makes a^T a give the means. b cancels, as it does in every batch normalisation.

Axes: M tokens, C channels, D width of a branch, P branches, K = P*D.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gta.blocks.tokens import bias_of

_ONES = 8
"""Columns after those of the branches, the first of ones: 8 keep rows aligned to 16 bytes."""


def add_normalised(
    x: Tensor,
    branches: Sequence[Tensor],
    outputs: Sequence[nn.Conv3d],
    norms: Sequence[nn.BatchNorm3d],
) -> Tensor:
    """Adds to x each branch after its output projection and its batch normalisation.

    Args:
        x: Tokens (M, C).
        branches: P tensors (M, D).
        outputs: W_O of each branch, D to C channels.
        norms: The `BatchNorm3d` after each; all in training, or none.
    """
    exact = torch.promote_types(x.dtype, torch.float32)
    weight = torch.stack([o.weight.flatten(1) for o in outputs]).to(exact)
    bias = torch.stack([bias_of(o) for o in outputs]).to(exact)
    gamma = torch.stack([norm.weight for norm in norms]).to(exact)
    beta = torch.stack([norm.bias for norm in norms]).to(exact)
    branches = [branch.to(x.dtype) for branch in branches]
    eps = norms[0].eps
    if not norms[0].training:
        mean, variance = (
            torch.stack(kept).to(exact) for kept in zip(*map(_running, norms), strict=True)
        )
        factor = gamma * torch.rsqrt(variance + eps)
        folded = _folded(weight, factor, beta - (mean - bias) * factor, x.dtype)
        return x + _with_ones(branches) @ folded.t()
    y, mean, variance = _NormalisedSum.apply(x, weight, bias, gamma, beta, eps, *branches)
    for norm, one_mean, one_variance in zip(norms, mean, variance, strict=True):
        _update(norm, one_mean, one_variance, len(x))
    return y


def _with_ones(branches: Sequence[Tensor]) -> Tensor:
    """(M, K + 8): the branches side by side, then a column of ones and seven of zeros."""
    ones = branches[0].new_zeros(len(branches[0]), _ONES)
    ones[:, 0] = 1
    return torch.cat([*branches, ones], dim=1)


def _folded(weight: Tensor, factor: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """All branches' W with their factors, the summed bias, and zeros: (C, K + 8)."""
    tail = torch.cat([bias.sum(0)[:, None], bias.new_zeros(bias.shape[1], _ONES - 1)], dim=1)
    return torch.cat([*(weight * factor[..., None]).unbind(), tail], dim=1).to(dtype)


def _running(norm: nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """Running mean and variance; `takes_tokens` has seen that they are kept."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


@torch.no_grad()
def _update(norm: nn.BatchNorm3d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Running statistics, as `nn.BatchNorm3d` keeps them: the variance without bias."""
    batches = norm.num_batches_tracked
    assert batches is not None
    batches.add_(1)
    # momentum None: the average of all batches
    share = 1 / batches.to(mean.dtype) if norm.momentum is None else norm.momentum
    unbiased = variance * (count / max(count - 1, 1))
    for running, value in zip(_running(norm), (mean, unbiased), strict=True):
        running.add_(((value - running) * share).to(running.dtype))


class _NormalisedSum(torch.autograd.Function):
    """(y, mean, variance) of x (M, C), W (P, C, D), b, gamma, beta (P, C), P branches (M, D)."""

    @staticmethod
    def forward(ctx: Any, x, weight, bias, gamma, beta, eps, *branches):
        P, _, D = weight.shape
        tokens = _with_ones(branches)
        moments = _product(tokens) / len(tokens)
        parts = [slice(p * D, p * D + D) for p in range(P)]
        mean = torch.stack([moments[part, P * D] for part in parts])  # (P, D), of the branches
        second = torch.stack([moments[part, part] for part in parts])
        spread = weight @ (second - mean[:, :, None] * mean[:, None, :])  # W cov(a)
        variance = (spread * weight).sum(2).clamp_min(0)
        centre = (weight @ mean[..., None])[..., 0]  # W mean(a)
        root = torch.rsqrt(variance + eps)
        factor = gamma * root
        folded = _folded(weight, factor, beta - centre * factor, x.dtype)
        ctx.save_for_backward(tokens, weight, gamma, mean, spread, root, centre, folded)
        y = x + tokens @ folded.t()
        total = centre + bias
        ctx.mark_non_differentiable(total, variance)
        return y, total, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, _mean, _variance):  # pyright: ignore
        tokens, weight, gamma, mean, spread, root, centre, folded = ctx.saved_tensors
        P, C, D = weight.shape
        K = P * D
        of_folded = (dy.t() @ tokens).to(weight.dtype)  # (C, K + 8)
        of_beta = of_folded[:, K].expand(P, C)
        of_scaled = of_folded[:, :K].unflatten(1, (P, D)).transpose(0, 1)  # of g W: (P, C, D)
        factor = gamma * root
        of_factor = (of_scaled * weight).sum(2) - of_beta * centre
        of_gamma = of_factor * root
        of_variance = -0.5 * of_factor * gamma * root**3
        of_centre = -of_beta * factor
        of_weight = (
            of_scaled * factor[..., None]
            + of_centre[..., None] * mean[:, None, :]
            + 2 * of_variance[..., None] * spread
        )
        back = weight.transpose(1, 2)
        of_cov = back @ (of_variance[..., None] * weight)  # (P, D, D), symmetric
        of_mean = (back @ of_centre[..., None])[..., 0] - 2 * (of_cov @ mean[..., None])[..., 0]
        # through a^T a: one product for all branches, the means by the column of ones
        through = torch.cat(
            [
                torch.block_diag(*(2 * of_cov).unbind()),
                of_mean.reshape(1, K),
                of_mean.new_zeros(_ONES - 1, K),
            ]
        )
        of_branches = dy @ folded[:, :K]
        of_branches.addmm_(tokens, (through / len(tokens)).to(tokens.dtype))
        of_parameters = (of_weight, torch.zeros_like(gamma), of_gamma, of_beta)
        return dy, *of_parameters, None, *of_branches.split(D, dim=1)


def _product(tokens: Tensor) -> Tensor:
    """a^T a, summed and kept in float32 at least."""
    if tokens.dtype in (torch.float32, torch.float64):
        return tokens.t() @ tokens
    if tokens.is_cuda:
        return torch.mm(tokens.t(), tokens, out_dtype=torch.float32)
    return tokens.t().float() @ tokens.float()
