"""What a training leaves in its folder: checkpoints, weights, figures; and when."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from gta.training.checkpoint import Position, load_checkpoint, save_checkpoint
from gta.training.history import write_metrics
from gta.training.processes import Processes
from gta.training.stopping import Stop

GO_ON = "the same command goes on"
_AGREE_EVERY = 50
"""Batches after which several processes agree whether it is time for a checkpoint."""


class Keeping:
    """Checkpoint, weights and metrics.csv of a training. The first of several processes writes.

    Made, it puts model, optimiser and average where the folder's checkpoint was, if there is one;
    `position` is then the checkpoint's.

    Args:
        folder: Where they are.
        model: What is trained.
        optimizer: Of its parameters.
        averaged: Its moving average, if there is one.
        position: Where a training begins that has no checkpoint.
        processes: This process among all that train.
        minutes: Between checkpoints inside an epoch.
        save_weights: Called with (model, "last" or "best", finished epochs): of the averaged
            model, where there is one.
        stop: Is told what is kept.
    """

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        averaged: AveragedModel | None,
        position: Position,
        processes: Processes,
        *,
        minutes: float,
        save_weights: Callable[[nn.Module, str, int], None],
        stop: Stop,
    ):
        self.checkpoint, self.metrics = folder / "checkpoint.pt", folder / "metrics.csv"
        self.model, self.optimizer, self.averaged = model, optimizer, averaged
        self.processes, self.minutes, self.save_weights = processes, minutes, save_weights
        self.stop = stop
        self.position = load_checkpoint(self.checkpoint, model, optimizer, position, averaged)
        self.saved_at, self.saved = time.monotonic(), self.position.place
        if self.saved != (0, 0):
            self.stop.kept = GO_ON

    @property
    def scored(self) -> nn.Module:
        """The network that is scored and kept: the average, if there is one."""
        return self.model if self.averaged is None else self.averaged.module

    def is_due(self) -> bool:
        """Whether it is time for a checkpoint; all processes hear the same."""
        if self.processes.world_size > 1 and self.position.batch % _AGREE_EVERY:
            return False
        return self.processes.agree(time.monotonic() - self.saved_at > 60 * self.minutes)

    def save(self) -> None:
        """Writes the checkpoint."""
        if self.processes.is_main:
            save_checkpoint(
                self.checkpoint, self.model, self.optimizer, self.position, self.averaged
            )
        self.saved_at, self.saved = time.monotonic(), self.position.place
        self.stop.kept = GO_ON

    def save_epoch(self, entry: dict[str, float]) -> None:
        """Weights first: a machine that stops before the checkpoint repeats the epoch."""
        position, scored = self.position, self.scored
        if self.processes.is_main:
            if entry["val_top1"] > position.best_top1:
                self.save_weights(scored, "best", position.epoch)
            self.save_weights(scored, "last", position.epoch)
        position.best_top1 = max(position.best_top1, entry["val_top1"])
        self.save()
        self.write_metrics()

    def save_end(self, num_batches: int) -> str | None:
        """Saves where training was stopped, and says what is kept; None: nothing is worth it.

        Args:
            num_batches: Of an epoch.
        """
        position = self.position
        if not math.isfinite(position.totals[0]):
            return None
        if position.place != self.saved:
            self.save()
        if self.saved == (0, 0):
            return None
        epochs = f"{position.epoch} epoch{'s' * (position.epoch != 1)}"
        batches = f" and {position.batch} of {num_batches} steps of the next"
        return f"kept in {self.checkpoint}: {epochs}{batches if position.batch else ''}"

    def write_metrics(self) -> None:
        """A line for each epoch."""
        if self.processes.is_main and self.position.history:
            write_metrics(self.metrics, self.position.history)
