"""Batch normalization over several processes, and the recomputation of its statistics."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gta.config import Recipe
from gta.data.batch import Batch
from gta.data.transforms.clip import normalize
from gta.devices import autocast
from gta.errors import UsageError
from gta.training.processes import Processes


def shared_norm(model: nn.Module, processes: Processes) -> nn.Module:
    """The model with batch normalization over all processes; its weights have the same names.

    Raises:
        UsageError: Several processes on CPUs, for which torch has no such layer.
    """
    if processes.world_size > 1 and processes.device.type == "cpu":
        raise UsageError(
            "train.sync_bn needs GPUs; on CPUs, train with one process, or leave it off"
        )
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


def renew_statistics(
    model: nn.Module, batches: Iterable[Batch], recipe: Recipe, processes: Processes
) -> None:
    """Sets running means and variances to their average over `train.precise_bn` batches.

    Statistics kept during training lag behind the changing weights (Wu and Johnson 2021, section
    3). The batches are the first of an epoch, so that the result is a function of seed and epoch;
    with several processes it is the average over all of them. Frozen layers, which stay in
    evaluation mode, keep theirs.

    Args:
        model: The network that is scored.
        batches: This process's part of an epoch's batches, from its start.
        recipe: The settings.
        processes: This process among all that train.
    """
    clip, device = recipe.clip, processes.device
    torch.manual_seed(recipe.train.seed)  # a layer may come after dropout
    before = model.training
    model.train()
    with torch.no_grad(), _averaging(model) as layers, autocast(device, recipe.train.amp):
        for batch in islice(batches, recipe.train.precise_bn) if layers else ():
            clips = batch.clips.to(device, non_blocking=True)
            model(normalize(clips, clip.mean, clip.std))
    model.train(before)
    for layer in layers:
        for statistic in (layer.running_mean, layer.running_var):
            assert statistic is not None
            processes.sum(statistic).div_(processes.world_size)


@contextmanager
def _averaging(model: nn.Module) -> Iterator[list[_BatchNorm]]:
    """The layers in training mode with running statistics, which average all batches from here."""
    every = (module for module in model.modules() if isinstance(module, _BatchNorm))
    layers = [layer for layer in every if layer.training and layer.track_running_stats]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    try:
        yield layers
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
