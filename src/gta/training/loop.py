"""The training loop: one step after the other, over any source of batches."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor

from gta.errors import UsageError
from gta.progress import Report, Silent
from gta.training.checkpoint import Position
from gta.training.history import left_out_line
from gta.training.processes import Agreement, Processes
from gta.training.source import Source
from gta.training.step import Step
from gta.training.stopping import Stop
from gta.training.waiting import Waiting

_CURE = (
    "training has diverged. Lower train.lr, lengthen train.warmup_epochs or lower train.clip_norm, "
    "and give another --out."
)
_SHOW_EVERY = 0.5
"""Seconds between two looks at the loss: each makes the GPU and the CPU wait for each other."""

Entry = dict[str, float]
"""The figures of an epoch, by their names."""


class Loop:
    """Trains over the epochs of a source; what is scored and kept is the caller's.

    Args:
        step: One update; its model is in training mode while steps are taken.
        source: The batches.
        position: Where training begins; moves along with it.
        processes: This process among all that train.
        epochs: At which training ends.
        report: Where messages and progress go.
        stop: Signals that ask for the end: the step under way is finished, and `Stopped` is raised.
        note: Called before each step with what could not be read of its batch.
        taken: Called after each step.
        start: Batches with which the source is getting going: one of each of its processes.
    """

    def __init__(
        self,
        step: Step,
        source: Source,
        position: Position,
        processes: Processes,
        *,
        epochs: int,
        report: Report | None = None,
        stop: Stop | None = None,
        note: Callable[[list[tuple[str, str]]], None] = lambda failures: None,
        taken: Callable[[], None] = lambda: None,
        start: int = 1,
    ):
        self.step, self.source, self.position = step, source, position
        self.processes, self.epochs = processes, epochs
        self.report, self.stop = report or Silent(), stop or Stop()
        self.note, self.taken, self.start = note, taken, start
        self.totals = torch.zeros(4)

    def run(
        self,
        *,
        score: Callable[[Waiting], Entry] = lambda waiting: {},
        keep: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        """Trains to the end of the last epoch.

        Args:
            score: Called after the steps of an epoch with how they waited; figures to add to its
                own.
            keep: Called with all figures of an epoch once `position` is after it. No signal
                interrupts it.

        Raises:
            UsageError: Training has diverged.
        """
        position = self.position
        while position.epoch < self.epochs:
            began = time.monotonic()
            waiting = self._take_steps()
            loss, right, clips, left_out = position.totals
            entry = {
                "epoch": position.epoch + 1,
                "lr": float(self.step.optimizer.param_groups[0]["lr"]),
                "train_loss": loss / clips,
                "train_top1": right / clips,
                **score(waiting),
                "train_left_out": left_out,
                "seconds": time.monotonic() - began,
                "waited": waiting.seconds(),
            }
            with self.stop.held():
                position.finish(entry)
                keep(entry)
            if self.processes.world_size == 1 and position.epoch < self.epochs:
                self.stop.obey()  # several processes agree on it after a step

    def count(self) -> None:
        """Puts the totals of all processes into the position."""
        self.position.totals = self.processes.sum(self.totals.clone()).tolist()

    def _take_steps(self) -> Waiting:
        """The rest of the epoch under way."""
        position, processes, device = self.position, self.processes, self.processes.device
        agreement, num_batches = Agreement(processes), self.source.num_batches
        # the totals of a checkpoint are of all processes
        before = position.totals if processes.is_main else []
        self.totals = torch.tensor([*before, *[0.0] * (4 - len(before))], device=device)
        waiting, shown = Waiting(device, self.start), time.monotonic()
        self.step.model.train()
        title = f"epoch {position.epoch + 1}/{self.epochs}"
        with (
            self.report.track(title, num_batches) as advance,
            self.stop.held() if processes.world_size > 1 else nullcontext(),
        ):
            for batch in waiting.batches(self.source.epoch(position.epoch, position.batch)):
                with self.stop.held():
                    self.note(batch.failures)
                    self.totals += self.step(batch, position.epoch, position.batch, num_batches)
                    position.batch += 1
                    if time.monotonic() - shown > _SHOW_EVERY:
                        advance(position.batch, f"loss {_mean_loss(self.totals, title):.3f}")
                        shown = time.monotonic()
                    self.taken()
                    self._obey(agreement(self.stop.asked or 0))
            advance(position.batch, f"loss {_mean_loss(self.totals, title):.3f}")
            self.count()
            self._obey(agreement.last())
        self._tell_left_out(title)
        return waiting

    def _tell_left_out(self, title: str) -> None:
        """Says how many steps changed nothing; all of them are an error."""
        left_out, steps = round(self.position.totals[3]), self.position.batch
        if 0 < steps <= left_out:
            raise UsageError(f"no step of {title} had a finite gradient: {_CURE}")
        if left_out:
            self.report.say(left_out_line(left_out, steps, title))

    def _obey(self, number: int) -> None:
        """Stops all processes after the same step, if that signal has come to one of them."""
        if number:
            self.count()
            self.stop.asked = number
            self.stop.obey()


def _mean_loss(totals: Tensor, title: str) -> float:
    loss, _, clips, _ = totals.tolist()
    if not math.isfinite(loss):
        raise UsageError(f"the loss became {loss} in {title}: {_CURE}")
    return loss / max(clips, 1)
