"""The moving average of weights."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gta.training import many


def averaged_model(model: nn.Module, decay: float) -> AveragedModel | None:
    """The exponential moving average of a model's weights; None without a decay.

    Running statistics are copied from the model.
    """
    if not decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))


@torch.no_grad()
def follow(averaged: AveragedModel, model: nn.Module, decay: float, skip: Tensor) -> None:
    """As `averaged.update_parameters(model)`, without reading tensors of a device.

    Args:
        averaged: The average, on the model's device, with its count.
        model: The model that is averaged.
        decay: Decay of the average.
        skip: bool (); if true nothing changes.
    """
    count = averaged.n_averaged
    share = torch.where(skip, 0.0, torch.where(count == 0, 1.0, 1 - decay))
    ours: list[Tensor] = [*averaged.module.parameters()]
    theirs: list[Tensor] = [*model.parameters()]
    many.move(ours, theirs, share)
    buffers = list(zip(averaged.module.buffers(), model.buffers(), strict=True))
    for dtype in {buffer.dtype for buffer, _ in buffers}:  # of one type at once
        pairs = [pair for pair in buffers if pair[0].dtype == dtype]
        many.copy([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    count.add_(~skip)
