"""The products of a block that are as wide as the feature: rows to its branches, and back.

`project` makes several projections of the same rows as one product. `add_products` is
y = x + a W + bias in one pass: a feature x (M, C) is large; what is added to it is of low rank,
narrow rows a (M, K) times W (K, C). Written as a product and a sum, x would be read and written
once for each. The Triton kernel (`sum_kernel`) reads it once and writes it once.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from gta.blocks.fused.gradients import by_hand, gradients, own_types
from gta.blocks.fused.kernel_op import kernel_op
from gta.blocks.fused.parts import fuses

Pair = tuple[Tensor, Tensor]
HALF = (torch.bfloat16, torch.float16)
"""Types with so few digits that sums are made in float32."""
ALIGNED = 16
"""Rows are filled up to a multiple of this: a GPU reads aligned rows several times as fast."""


def project(rows: Tensor, *projections: nn.Module) -> list[Tensor]:
    """The rows, and several projections of them.

    The rest of a block should add to the rows that come back, so that all their gradients meet here
    and are summed in one pass.

    Args:
        rows: (..., C).
        projections: From C channels to D1, D2, ...

    Returns:
        (..., C), (..., D1), (..., D2), ...
    """
    if not fuses(rows, *projections):
        return [rows, *(part(rows) for part in projections)]
    weights, biases = zip(*map(weights_of, projections), strict=True)
    sizes = [len(weight) for weight in weights]
    short = -sum(sizes) % ALIGNED if rows.is_cuda else 0
    weight, bias = pad(torch.cat(weights), (0, 0, 0, short)), pad(torch.cat(biases), (0, short))
    rows, wide = _Project.apply(rows, weight, bias)
    return [rows, *wide.split([*sizes, short], dim=-1)[: len(sizes)]]


def weights_of(part: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of a linear layer, zeros where it has no bias."""
    assert isinstance(part, nn.Linear)
    bias = part.weight.new_zeros(part.out_features) if part.bias is None else part.bias
    return part.weight, bias


def _twin(ctx: Any, of_rows: Tensor, of_wide: Tensor):
    rows, weight, bias = inputs = ctx.saved_tensors
    wide = linear(rows, weight.to(rows.dtype), bias.to(rows.dtype))
    return tuple(gradients(inputs, (rows.view_as(rows), wide), (of_rows, of_wide)))


class _Project(torch.autograd.Function):
    """X and X W^T + b, of X (..., C), W (D, C), b (D)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor):
        ctx.save_for_backward(rows, weight, bias)
        half = weight.to(rows.dtype), bias.to(rows.dtype)
        return rows.view_as(rows), linear(rows, *half)

    @staticmethod
    @by_hand(_twin)
    def backward(ctx: Any, of_rows: Tensor, of_wide: Tensor):  # pyright: ignore
        rows, weight, bias = ctx.saved_tensors
        of_wide = of_wide.flatten(0, -2)
        total = add_to(of_rows.flatten(0, -2), of_wide, weight.to(rows.dtype))
        of_weight = of_wide.t() @ rows.flatten(0, -2)
        of_bias = column_sums(of_wide, bias.dtype)
        return total.view_as(rows), of_weight.to(weight.dtype), of_bias


def add_products(x: Tensor | None, bias: Tensor | None, *pairs: Pair) -> Tensor:
    """The sum x + bias + a1 W1 + a2 W2, without gradients; in one pass where there is a kernel.

    Args:
        x: (M, C); None: nothing is added to.
        bias: (C,), in any type.
        pairs: One or two of a (M, K) and W (K, C); where a is of half precision, a W in float32 is
            used as it is.
    """
    a = pairs[0][0]
    if a.is_cuda and a.dtype in HALF and all(w.dtype == a.dtype for _, w in pairs):
        x = None if x is None else x.contiguous()
        return _add_products(x, bias, *pairs[0], *(pairs[1:] or [(None, None)])[0])
    return plain_sum(x, bias, *pairs)


def add_to(x: Tensor, a: Tensor, w: Tensor) -> Tensor:
    """The sum x + a W. A compiled step makes it in x itself, where nobody else needs x any more."""
    if torch.compiler.is_compiling() and x.is_cuda:
        y = x.clone()  # which the compiler leaves out there
        _add_in_place(y, a, w)
        return y
    return add_products(x, None, (a, w))


def plain_sum(x: Tensor | None, bias: Tensor | None, *pairs: Pair) -> Tensor:
    """The same by torch's products and sums; one new tensor is made, and by the compiler one pass.

    In half precision it is rounded once, as by the kernel: bias and products may cancel.

    Nothing is summed in place where it is compiled: torch 2.11 then gives the autograd function
    that this is a part of gradients of zero, without a word.
    """
    dtype = pairs[0][0].dtype
    if dtype in HALF:
        x = None if x is None else x.float()
        with own_types(pairs[0][0]):
            return plain_sum(x, bias, *((a.float(), w.float()) for a, w in pairs)).to(dtype)
    (a, w), *more = pairs
    in_place = not torch.compiler.is_compiling()
    if x is None:
        y = a @ w if bias is None else torch.addmm(bias.to(dtype), a, w)
    else:
        y = torch.addmm(x, a, w)
        if bias is not None:
            bias = bias.to(dtype)
            y = y.add_(bias) if in_place else y + bias
    for a, w in more:
        y = y.addmm_(a, w) if in_place else torch.addmm(y, a, w)
    return y


def column_sums(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Sums over the rows (M, D) of each column, as a product, which is faster on a GPU."""
    if rows.is_cuda and rows.dtype in HALF:
        ones = rows.new_ones(1, len(rows))
        return torch.mm(ones, rows, out_dtype=torch.float32)[0].to(dtype)
    return rows.sum(0, dtype=dtype)


@kernel_op("gta::add_products", fake=lambda x, bias, a, w, *_: a.new_empty(len(a), w.shape[1]))
def _add_products(
    x: Tensor | None,
    bias: Tensor | None,
    a: Tensor,
    w: Tensor,
    b: Tensor | None,
    v: Tensor | None,
) -> Tensor:
    try:
        from gta.blocks.fused.sum_kernel import launch
    except ImportError:  # Triton is missing
        return plain_sum(x, bias, (a, w), *([(b, v)] if b is not None and v is not None else []))
    return launch(x, bias, a, w, b, v)


@torch.library.custom_op("gta::add_in_place", mutates_args=("x",))
def _add_in_place(x: Tensor, a: Tensor, w: Tensor) -> None:
    x.addmm_(a, w)
