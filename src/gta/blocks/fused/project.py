"""Several projections of the same rows as one matrix product."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from gta.blocks.fused.add_products import add_to, column_sums
from gta.blocks.fused.gradients import by_hand, gradients
from gta.blocks.fused.parts import fuses

ALIGNED = 16
"""Rows are filled up to a multiple of this: a GPU reads aligned ones several times as fast."""


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
