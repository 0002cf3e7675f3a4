"""What the numbers of weights must be: finite, and of a type that is one of plain numbers."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gta.errors import UsageError

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types of numbers that are read as they are."""
SHOWN = 4
"""Tensors of one kind that a text names before it only counts them."""


def shortened(items: list[str]) -> str:
    """The first few, and how many more there are."""
    more = [f"and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    return ", ".join(items[:SHOWN] + more)


def plain_number(value: Tensor, own: Tensor, name: str, source: str) -> Tensor:
    """A tensor of a file in the type of the model's own.

    Raises:
        UsageError: It is quantised, sparse, complex, of whole numbers, or without numbers.
    """
    if value.is_meta and not own.is_meta:
        raise UsageError(f"{source} holds the shapes of tensors without their numbers ({name})")
    kind = str(value.dtype).removeprefix("torch.")
    if value.layout != torch.strided:
        raise UsageError(f"{source}: {name} is a sparse tensor: save it with .to_dense()")
    if not own.is_floating_point():
        return value
    if value.is_quantized or value.dtype not in FLOATS:
        raise UsageError(
            f"{source}: {name} holds numbers of type {kind}; read are float32, float16, bfloat16 "
            f"and float64: of quantised weights, give those before quantisation"
        )
    return value.to(own.dtype)


def require_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    """Raise unless all numbers are finite in the type in which a model has them.

    Args:
        tensors: By the names by which they are called in the error.
        source: Where they are from.

    Raises:
        UsageError: Some are NaN or infinite; says where, and how many.
    """
    bad = {
        name: count
        for name, value in tensors.items()
        if value.is_floating_point() and not value.is_meta
        if (count := value.numel() - int(value.isfinite().sum()))
    }
    if bad:
        named = [f"{name} ({count} of {tensors[name].numel()})" for name, count in bad.items()]
        raise UsageError(
            f"{source}: {len(bad)} of {len(tensors)} tensors hold NaN or infinite numbers: "
            f"{shortened(named)}. Its training has diverged, or the file is damaged: give an "
            f"earlier checkpoint"
        )
    negative = [
        name
        for name, value in tensors.items()
        if name.endswith("running_var") and not value.is_meta and (value < 0).any()
    ]
    if negative:
        raise UsageError(
            f"{source}: variances below zero in {shortened(negative)}: the file is damaged, or its "
            f"numbers are of something else: give another"
        )
