"""y = x + a W + P U + bias, the only sums of a block that are as wide as the feature.

A feature x of M = F*N tokens is large; what is added to it is of low rank: narrow tokens a (M, K)
times one W (K, C), and for each of F frames weights P (N, S) of S keys or regions times U (S, C).
Written as matrix products and sums, x would be read and written once for each term. The Triton
kernel (`wide_sum_kernel`) reads it once and writes it once; `plain_sum` is its twin for other
devices and types, and what the tests compare it with.

Axes: F frames, N tokens of a frame, M = F*N, C channels, K channels of a, S keys of a frame.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gta.blocks.kernel_op import kernel_op

Pair = tuple[Tensor, Tensor]


def without_autocast(backward: Callable) -> Callable:
    """A backward pass in the types of its tensors, also where the caller's autocast is on."""

    @wraps(backward)
    def run(ctx: Any, *gradients: Tensor):
        with torch.autocast(gradients[0].device.type, enabled=False):
            return backward(ctx, *gradients)

    return run


class _WideSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x, bias, a, w, p, u):
        ctx.save_for_backward(a, w, p, u)
        ctx.bias_dtype = None if bias is None else bias.dtype
        return add_products(
            x, bias, (a, w) if a is not None else None, (p, u) if p is not None else None
        )

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, dy: Tensor):  # pyright: ignore
        a, w, p, u = ctx.saved_tensors
        rows = dy.flatten(0, 1)
        dbias = None if ctx.bias_dtype is None else column_sums(rows, ctx.bias_dtype)
        da = dw = dp = du = None
        if a is not None:
            da, dw = rows @ w.t(), a.t() @ rows
        if p is not None:
            dp, du = dy @ u.transpose(1, 2), p.transpose(1, 2) @ dy
        return dy, dbias, da, dw, dp, du


def wide_sum(
    x: Tensor,
    *,
    bias: Tensor | None = None,
    tokens: Pair | None = None,
    frames: Pair | None = None,
) -> Tensor:
    """The sum x + a W + P U + bias, with gradients of all.

    Args:
        x: (F, N, C).
        bias: (C,).
        tokens: a (M, K) and W (K, C).
        frames: P (F, N, S) and U (F, S, C).
    """
    return _WideSum.apply(x, bias, *(tokens or (None, None)), *(frames or (None, None)))


def column_sums(tokens: Tensor, dtype: torch.dtype) -> Tensor:
    """Sums over the tokens (M, D) of each column, as a product, which is faster on a GPU."""
    if tokens.is_cuda and tokens.dtype in (torch.bfloat16, torch.float16):
        return (tokens.new_ones(1, len(tokens)) @ tokens)[0].to(dtype)
    return tokens.sum(0, dtype=dtype)


def add_products(
    x: Tensor, bias: Tensor | None = None, tokens: Pair | None = None, frames: Pair | None = None
) -> Tensor:
    """`wide_sum` without gradients, in one pass over x where there is a kernel for it."""
    if x.is_cuda and x.dtype in (torch.bfloat16, torch.float16):
        return _add_products(
            x.contiguous(), bias, *(tokens or (None, None)), *(frames or (None, None))
        )
    return plain_sum(x, bias, tokens, frames)


@kernel_op("gta::add_products", fake=lambda x, *_: torch.empty_like(x))
def _add_products(
    x: Tensor,
    bias: Tensor | None,
    a: Tensor | None,
    w: Tensor | None,
    p: Tensor | None,
    u: Tensor | None,
) -> Tensor:
    try:
        from gta.blocks.wide_sum_kernel import launch
    except ImportError:  # Triton is missing
        y = plain_sum(
            x,
            bias,
            None if a is None or w is None else (a, w),
            None if p is None or u is None else (p, u),
        )
        return y.clone() if y is x else y
    return launch(x, bias, a, w, p, u)


def plain_sum(
    x: Tensor, bias: Tensor | None = None, tokens: Pair | None = None, frames: Pair | None = None
) -> Tensor:
    """The same by torch's products and sums."""
    y = x if bias is None else x + bias.to(x.dtype)
    if tokens is not None:
        y = y + (tokens[0] @ tokens[1]).view_as(x)
    return y if frames is None else y + frames[0] @ frames[1]
