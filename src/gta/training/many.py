"""Arithmetic on many tensors in a few launches, by private functions of torch."""

import torch
from torch import Tensor


def copy(into: list[Tensor], values: list[Tensor]) -> None:
    """Overwrites each tensor."""
    torch._foreach_copy_(into, values)  # pyright: ignore[reportPrivateImportUsage]


def move(tensors: list[Tensor], towards: list[Tensor], share: Tensor) -> None:
    """Moves each tensor in place towards another by a share, float (), of the difference."""
    way = torch._foreach_sub(towards, tensors)  # pyright: ignore
    torch._foreach_mul_(way, share)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_add_(tensors, way)  # pyright: ignore
