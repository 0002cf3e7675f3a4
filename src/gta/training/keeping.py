"""When and how a training writes checkpoints, weights and metrics to its folder."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gta.backbones.weight_numbers import shortened
from gta.errors import UsageError
from gta.training.background import Background
from gta.training.checkpoint import TrainState, files_of, restore, state_of, tensors_of
from gta.training.checkpoint_folder import CheckpointFolder, name_of
from gta.training.history import write_metrics
from gta.training.processes import Processes
from gta.training.saved_state import FOLDER, OLD, newest_state
from gta.training.snapshot import Snapshot, Snapshots
from gta.training.stopping import Stop
from gta.training.writing import explained

GO_ON = "the same command goes on"


class Keeping:
    """Checkpoints, weights and metrics.csv of a training. The first of several processes writes.

    The constructor loads the folder's newest checkpoint, if there is one, into model, optimizer and
    average; `position` is then the checkpoint's.

    Saving copies the state and returns; a thread writes it. Its errors become `problem`.

    Args:
        folder: The run's folder.
        model: The model that is trained.
        optimizer: The optimizer of its parameters.
        averaged: Its moving average, if used.
        position: The position of a training without checkpoint.
        processes: This process among all that train.
        minutes: Most work that a crash may cost; the distance of checkpoints within an epoch
            follows from it, and from the time to write the last checkpoint.
        keep: How many checkpoints are kept.
        save_weights: Called on a thread with (tensors by name, "last" and "best" or one of them,
            finished epochs); the tensors are those of the average, if used.
        stop: Gets a text about what is kept.
        say: Takes a line about each damaged checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        averaged: AveragedModel | None,
        position: TrainState,
        processes: Processes,
        *,
        minutes: float,
        keep: int,
        save_weights: Callable[[Mapping[str, Tensor], Sequence[str], int], None],
        stop: Stop,
        say: Callable[[str], object] = lambda text: None,
    ):
        self.folder, self.metrics = folder, folder / "metrics.csv"
        self.checkpoints = CheckpointFolder(folder / FOLDER, keep=keep)
        self.model, self.optimizer, self.averaged = model, optimizer, averaged
        self.processes, self.minutes, self.save_weights = processes, minutes, save_weights
        self.stop, self.snapshots, self.background = stop, Snapshots(), Background()
        self.position = position
        state = processes.from_main(partial(newest_state, folder, say))
        if state is not None:
            self.position = restore(state, model, optimizer, position, averaged, folder)
            self.stop.kept = GO_ON
        self.saved_at, self.saved = time.monotonic(), self.position.place

    @property
    def scored(self) -> nn.Module:
        """The network that is scored and kept: the average, if used."""
        return self.model if self.averaged is None else self.averaged.module

    @property
    def problem(self) -> Exception | None:
        """The error of the last save; None: no error, or it is being written."""
        return self.background.problem

    def is_due(self) -> bool:
        """Whether a checkpoint is due; the first of several processes decides."""
        most = 60 * self.minutes
        interval = most - min(self.background.seconds, most / 2)  # lost until the next is valid
        late = time.monotonic() - self.saved_at > interval
        return self.processes.is_main and late and not self.background.is_busy

    def save(self) -> None:
        """Starts to write a checkpoint."""
        self._save()

    def save_epoch(self, entry: dict[str, float]) -> None:
        """Saves weights, then a checkpoint: after a crash between them, the epoch is repeated."""
        names = ["last"]
        if entry["val_top1"] > self.position.best_top1:
            self.position.best_top1, names = entry["val_top1"], ["last", "best"]
        self._save(names)

    def save_end(self, num_batches: int) -> str | None:
        """Saves where training was stopped, and says what is kept; None: nothing worth keeping.

        Args:
            num_batches: Batches of an epoch.

        Raises:
            MachineError: It cannot be written.
            UsageError: Some weights are not finite; earlier files stay.
        """
        position = self.position
        if position.place != self.saved:
            self._save()
        self.background.wait()
        if self.saved == (0, 0):
            return None
        epochs = f"{position.epoch} epoch{'s' * (position.epoch != 1)}"
        batches = f" and {position.batch} of {num_batches} steps of the next"
        return f"kept in {self.checkpoints.folder}: {epochs}{batches if position.batch else ''}"

    def write_metrics(self) -> None:
        """Writes a line for each epoch."""
        if self.processes.is_main and self.position.history:
            with explained("metrics.csv", self.folder):
                write_metrics(self.metrics, self.position.history)

    def finish(self) -> None:
        """Waits until all is written.

        Raises:
            MachineError: It cannot be written.
            UsageError: Some weights are not finite.
        """
        self.background.wait()

    def close(self) -> None:
        """Waits for the thread and ends it."""
        self.background.close()

    def _save(self, weights: Sequence[str] = ()) -> None:
        if self.processes.is_main:
            self.background.wait()  # the snapshot's memory is reused
            state = state_of(self.model, self.optimizer, self.position, self.averaged)
            work = partial(self._write, self.snapshots.take(state), self.position.place, weights)
            self.background.start(work)
        self.saved_at, self.saved = time.monotonic(), self.position.place

    def _write(self, snapshot: Snapshot, place: tuple[int, int], weights: Sequence[str]) -> None:
        """Runs on the thread."""
        state = snapshot.wait()
        _require_finite(state, self.folder)
        if weights:
            with explained("the weights", self.folder):
                self.save_weights(_scored(state), weights, place[0])
        with explained("a checkpoint", self.folder):
            self.checkpoints.write(name_of(*place), files_of(state))
            (self.folder / OLD).unlink(missing_ok=True)
        self.stop.kept = GO_ON
        if weights:
            with explained("metrics.csv", self.folder):
                write_metrics(self.metrics, state["position"]["history"])


def _scored(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of the network that is scored."""
    if state["averaged"] is None:
        return state["model"]
    prefix = "module."
    named = state["averaged"].items()
    return {name.removeprefix(prefix): value for name, value in named if name.startswith(prefix)}


def _is_finite(value: Tensor) -> bool:
    """By the sum, in a third of the time, unless the sum overflows."""
    return math.isfinite(value.sum()) or bool(value.isfinite().all())


def _require_finite(state: Mapping[str, Any], folder: Path) -> None:
    """Raises if values are not finite, so that they do not replace a good checkpoint."""
    bad = [
        f"{part}: {name}"
        for part, tensors in tensors_of(state)
        for name, value in tensors.items()
        if value.is_floating_point() and not _is_finite(value)
    ]
    if bad:
        raise UsageError(
            f"training has diverged: {len(bad)} tensors hold NaN or infinite numbers "
            f"({shortened(bad)}). They were not saved; what was saved before in {folder} stays. "
            f"Lower train.lr, lengthen train.warmup_epochs or lower train.clip_norm, and give "
            f"another --out"
        )
