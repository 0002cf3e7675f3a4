"""The step of a recipe."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from gta.config import Recipe
from gta.training.mixing import Mixing
from gta.training.numbers import Numbers
from gta.training.optimizer import learning_rate
from gta.training.processes import Processes
from gta.training.step import Step


def numbers(recipe: Recipe, device: torch.device) -> Numbers:
    """The settings of a recipe's step, on a device."""
    clip, train = recipe.clip, recipe.train
    return Numbers(
        rate=partial(learning_rate, train),
        mean=clip.mean,
        std=clip.std,
        epochs=train.epochs,
        seed=train.seed,
        accumulate=train.accumulate,
        clip_norm=train.clip_norm,
        label_smoothing=train.label_smoothing,
        half=train.amp and device.type == "cuda",
        decay=train.ema,
        small=train.freeze and device.type == "cpu",
        compile=train.compile,
        cuda_graphs=train.cuda_graphs,
    )


def make_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    num_classes: int,
    processes: Processes,
    *,
    averaged: AveragedModel | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Step:
    """The step of a recipe; see `Step` for the arguments."""
    return Step(
        model,
        optimizer,
        numbers(recipe, processes.device),
        processes,
        mixing=Mixing(recipe.augment, num_classes),
        averaged=averaged,
        say=say,
    )
