"""Batch normalisation of an output projection, from the narrow side of it.

A block ends in y = x + sum over branches of norm(W a + b), with a (M, D) narrow, W a (M, C) wide.
Batch normalisation needs the mean and the variance of each channel of W a + b over the M tokens.
Both follow from the narrow a: the mean is W mean(a) + b, the variance the diagonal of
W cov(a) W^T. So the wide tensor is never made: normalisation becomes a factor and a bias of W,

    norm(W a + b) = (g W) a + (beta - g W mean(a)),  g = gamma / sqrt(var + eps)

where b cancels, as it does in every batch normalisation.

Where a token is a = p v, the values v (S, D) of its frame shared out by weights p, even a need not
exist: mean(a) and cov(a) follow from the sums s of p and the products Q = p^T p of each frame, and
(g W) a = p (v (g W)^T).

Axes: M tokens, F frames of N tokens, C channels, D width of a branch, S keys or regions of a frame.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gta.blocks.moments import moments, moments_of_shares
from gta.blocks.tokens import bias_of
from gta.blocks.wide_sum import wide_sum, without_autocast


def normalise_tokens(
    a: Tensor, output: nn.Conv3d, norm: nn.BatchNorm3d
) -> tuple[Tensor, Tensor, Tensor]:
    """What the output projection of tokens (M, D) becomes with its normalisation.

    Returns:
        a, to go on with; W (D, C) in its type, and a bias (C,), of which a W + bias is
        norm(output(a)).
    """
    if norm.training:
        a, mean, covariance = moments(a)
        weight, bias = _normalised(mean, covariance, output, norm, len(a))
    else:
        weight, bias = _running(output, norm)
    return a, weight.to(a.dtype), bias


def add_normalised(x: Tensor, a: Tensor, output: nn.Conv3d, norm: nn.BatchNorm3d) -> Tensor:
    """Adds norm(output(a)) of tokens a (M, D) to x (M, C)."""
    a, weight, bias = normalise_tokens(a, output, norm)
    return wide_sum(x[None], bias=bias, tokens=(a, weight)).flatten(0, 1)


def normalise_shares(
    p: Tensor, v: Tensor, output: nn.Conv3d, norm: nn.BatchNorm3d, *, sum_to_one: bool
) -> tuple[Tensor, Tensor]:
    """`normalise_tokens` of the tokens p v, from p (F, N, S) and v (F, S, D).

    Args:
        p: Shares.
        v: Values.
        output: W and b.
        norm: The batch normalisation.
        sum_to_one: Whether rows of p do.

    Returns:
        U (F, S, C) in their type and a bias (C,), of which p U + bias is norm(output(p v)).
    """
    if not norm.training:
        weight, bias = _running(output, norm)
    elif sum_to_one:
        weight, bias = _normalised(*moments_of_shares(p, v), output, norm, p[..., 0].numel())
    else:  # the tokens themselves, since there is no centre to which to move the values
        exact = torch.promote_types(p.dtype, torch.float32)
        tokens = (p.to(exact) @ v.to(exact)).flatten(0, 1)
        _, mean, covariance = moments(tokens)
        weight, bias = _normalised(mean, covariance, output, norm, len(tokens))
    return v @ weight.to(v.dtype), bias


def _normalised(
    mean: Tensor, covariance: Tensor, output: nn.Conv3d, norm: nn.BatchNorm3d, count: int
) -> tuple[Tensor, Tensor]:
    """Factor and bias from the statistics of this batch, which also join the running ones."""
    weight, bias = output.weight.flatten(1), bias_of(output)
    folded, shift, centre, variance = _Fold.apply(
        weight.to(mean.dtype), mean, covariance, norm.weight, norm.bias, norm.eps
    )
    _update(norm, centre + bias.detach(), variance, count)
    # the bias has a gradient, of zero: processes wait for one of every parameter
    return folded.t(), shift + 0 * bias


class _Fold(torch.autograd.Function):
    """g W (C, D) and beta - g W mean, of W (C, D), mean (D), cov (D, D), gamma, beta (C).

    Returns W mean and the variance too, (C) both.
    """

    @staticmethod
    def forward(ctx: Any, weight, mean, covariance, gamma, beta, eps):
        spread = weight @ covariance
        variance = (spread * weight).sum(1).clamp_min(0)
        centre, root = weight @ mean, torch.rsqrt(variance + eps)
        factor = gamma * root
        ctx.save_for_backward(weight, mean, spread, centre, root, gamma)
        ctx.mark_non_differentiable(centre, variance)
        return weight * factor[:, None], beta - factor * centre, centre, variance

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_folded, of_shift, _centre, _variance):  # pyright: ignore
        weight, mean, spread, centre, root, gamma = ctx.saved_tensors
        factor = gamma * root
        of_factor = (of_folded * weight).sum(1) - of_shift * centre
        of_variance = -0.5 * of_factor * factor * root**2
        of_centre = -of_shift * factor
        of_weight = (
            of_folded * factor[:, None]
            + of_centre[:, None] * mean
            + 2 * of_variance[:, None] * spread
        )
        of_covariance = weight.t() @ (of_variance[:, None] * weight)
        return of_weight, weight.t() @ of_centre, of_covariance, of_factor * root, of_shift, None


def _running(output: nn.Conv3d, norm: nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """The same from the running statistics."""
    mean, variance = _statistics(norm)
    factor = norm.weight * torch.rsqrt(variance + norm.eps)
    return (output.weight.flatten(1) * factor[:, None]).t(), (
        norm.bias - (mean - bias_of(output)) * factor
    )


def _statistics(norm: nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
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
    for running, value in zip(_statistics(norm), (mean, unbiased), strict=True):
        running.add_(((value - running) * share).to(running.dtype))
