"""Multiply-adds and parameters of a model, counted without computing anything."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """What one view of one clip costs."""

    gflops: float
    """Multiply-adds / 1e9 of convolutions, linear layers and attention products."""
    params_m: float
    """Parameters / 1e6."""


def count_cost(make: Callable[[], nn.Module], clip_shape: tuple[int, ...]) -> Cost:
    """Count the cost of a model on one clip of shape (3, T, H, W), on the meta device.

    Args:
        make: Builds the model; called under the meta device, so that nothing is allocated.
        clip_shape: Shape of one clip.
    """
    with torch.device("meta"):
        model = make().eval()
        clip = torch.empty(1, *clip_shape)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(clip)
    return Cost(
        gflops=counter.get_total_flops() / 2 / 1e9,  # torch counts a multiply-add as two
        params_m=sum(p.numel() for p in model.parameters()) / 1e6,
    )
