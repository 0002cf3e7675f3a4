"""Training with the package's step and loop, on clips in memory."""

from contextlib import closing

import torch
from torch import nn

from experiments.clips import Clips, batches, draw
from experiments.logs import Say
from experiments.settings import Job
from gta.config import Recipe
from gta.ordered import CLASSES
from gta.training.checkpoint import TrainState
from gta.training.loop import Entry, Loop
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import numbers
from gta.training.source import Source
from gta.training.step import Step

KEYS = [c.key for c in sorted(CLASSES, key=lambda c: c.name)]
"""Of the labels."""


def train(
    job: Job, clips: Clips, say: Say, *, compiled: bool = False
) -> tuple[nn.Module, list[float]]:
    """The trained network, and its loss in each part of the run."""
    device = clips.frames.device
    torch.manual_seed(job.seed)
    model = job.network().to(device)
    initialise(model, job.settings.matrix_init)
    source = batches(clips, draw(job.data, job.settings, job.seed, device), job.settings)
    return model, fit(model, source, job.recipe(compiled=compiled), device, say)


@torch.no_grad()
def initialise(model: nn.Module, how: str) -> None:
    """Initializes GTA's matrices (K, T, G, S) in another way."""
    if how not in ("normal", "small", "identity"):
        raise ValueError(f"matrix_init={how!r} is not possible; it is normal, small or identity")
    for name, matrix in model.named_parameters():
        if how == "normal" or name.rpartition(".")[2] != "matrix":
            continue
        if how == "small":
            matrix.mul_(0.1)
        else:
            size = matrix.shape[0] * matrix.shape[1]
            matrix.copy_(torch.eye(size).view_as(matrix))


def fit(
    model: nn.Module, source: Source, recipe: Recipe, device: torch.device, say: Say
) -> list[float]:
    """Trains the network in place; returns and reports its loss in each part of the run."""
    if recipe.train.compile:
        torch.compiler.reset()  # drops the networks of earlier runs
    position, processes = TrainState(data=""), Processes(device)
    optimizer = make_optimizer(model.train(), recipe.train)
    step = Step(model, optimizer, numbers(recipe, device), processes)
    losses = list[float]()

    def keep(entry: Entry) -> None:
        losses.append(round(entry["train_loss"], 4))
        say(f"step {position.epoch * source.num_batches}: loss {losses[-1]}")

    with closing(step):
        Loop(step, source, position, processes, epochs=recipe.train.epochs).run(keep=keep)
    return losses
