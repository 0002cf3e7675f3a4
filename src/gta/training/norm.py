"""Batch normalization over several processes, and the recomputation of its statistics."""

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

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
    with several processes it is the average over all of them.

    Args:
        model: The network that is scored.
        batches: This process's part of an epoch's batches, from its start.
        recipe: The settings.
        processes: This process among all that train.
    """
    clip, device = recipe.clip, processes.device
    torch.manual_seed(recipe.train.seed)  # a layer may come after dropout

    def clips():
        for batch in islice(batches, recipe.train.precise_bn):
            yield normalize(batch.clips.to(device, non_blocking=True), clip.mean, clip.std)

    with autocast(device, recipe.train.amp):
        update_bn(clips(), model)
    for statistic in _statistics(model):
        processes.sum(statistic).div_(processes.world_size)


def _statistics(model: nn.Module) -> list[Tensor]:
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    pairs = ((layer.running_mean, layer.running_var) for layer in layers)
    return [statistic for pair in pairs for statistic in pair if statistic is not None]
