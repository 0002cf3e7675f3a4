"""The training loop over any source of batches."""

import time
from collections.abc import Callable
from contextlib import nullcontext

import torch

from gta.errors import MachineError, UsageError
from gta.progress import Advance, Report, Silent
from gta.training.checkpoint import TrainState
from gta.training.history import left_out_line
from gta.training.nonfinite import Nonfinite
from gta.training.pace import Pace
from gta.training.processes import Agreement, Processes
from gta.training.source import Source
from gta.training.step import Step
from gta.training.stopping import Stop
from gta.training.waiting import Waiting

_CURE = (
    "training has diverged. Lower train.lr, lengthen train.warmup_epochs or lower train.clip_norm, "
    "and give another --out."
)
_ELSEWHERE = "another process has failed; see its message"
_SHOW_EVERY = 0.5
"""Seconds between two reads of the loss: each synchronizes the GPU with the CPU."""

Entry = dict[str, float]
"""The metrics of an epoch, by name."""


class Loop:
    """Trains over the epochs of a source; the caller scores and saves.

    Args:
        step: An update; its model is in training mode during steps.
        source: The batches.
        position: Where training begins; updated by the loop.
        processes: This process among all that train.
        epochs: Number of epochs after which training ends.
        report: Shows messages and progress.
        stop: Signals that end the training: the current step is finished, then `Stopped` is raised.
        note: Called before each step with the failures of its batch.
        taken: Called after each step.
        is_due: Whether it is time to save; one of several processes decides for all.
        save: Called after a step, by all processes, if saving is due.
        problem: Returns an error from outside the loop that ends the training, or None.
        start: First batches of the source, one for each of its processes, which take longer.
        max_nonfinite: Steps in a row without a finite loss and gradient that end the training.
    """

    def __init__(
        self,
        step: Step,
        source: Source,
        position: TrainState,
        processes: Processes,
        *,
        epochs: int,
        report: Report | None = None,
        stop: Stop | None = None,
        note: Callable[[list[tuple[str, str]]], None] = lambda failures: None,
        taken: Callable[[], None] = lambda: None,
        is_due: Callable[[], bool] = lambda: False,
        save: Callable[[], None] = lambda: None,
        problem: Callable[[], Exception | None] = lambda: None,
        start: int = 1,
        max_nonfinite: int = 10,
    ):
        self.step, self.source, self.position = step, source, position
        self.processes, self.epochs = processes, epochs
        self.report, self.stop = report or Silent(), stop or Stop()
        self.note, self.taken, self.start = note, taken, start
        self.is_due, self.save, self.problem = is_due, save, problem
        self.totals = torch.zeros(4)
        self.nonfinite = Nonfinite(processes.device, max_nonfinite)
        self._asked = False

    def run(
        self,
        *,
        score: Callable[[Waiting], Entry] = lambda waiting: {},
        keep: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        """Trains to the end of the last epoch.

        Args:
            score: Called after the steps of an epoch with their waiting times; returns metrics to
                add to the epoch's own.
            keep: Called with all metrics of an epoch once `position` is after it. No signal
                interrupts it.

        Raises:
            UsageError: Training has diverged.
            MachineError: Training cannot continue, here or in another process.
        """
        with self.report.track("training", self.epochs * self.source.num_batches) as overall:
            self._run_epochs(score, keep, overall)

    def _run_epochs(
        self,
        score: Callable[[Waiting], Entry],
        keep: Callable[[Entry], None],
        overall: Advance,
    ) -> None:
        position = self.position
        while position.epoch < self.epochs:
            began = time.monotonic()
            waiting = self._take_steps(overall)
            loss, correct, clips, left_out = position.totals
            entry = {
                "epoch": position.epoch + 1,
                "lr": self.rate,
                "train_loss": loss / max(clips, 1),
                "train_top1": correct / max(clips, 1),
                **self._scored(score, waiting),
                "train_left_out": left_out,
                "seconds": time.monotonic() - began,
                "waited": waiting.seconds(),
            }
            with self.stop.held():
                position.finish(entry)
                keep(entry)
            if self.processes.world_size == 1 and position.epoch < self.epochs:
                self.stop.obey()  # several processes agree after a step

    def _scored(self, score: Callable[[Waiting], Entry], waiting: Waiting) -> Entry:
        """The metrics of `score`; raises if training has diverged."""
        try:
            return score(waiting)
        except UsageError as error:
            count = self.nonfinite.count
            if not count:
                raise
            raise UsageError(
                f"the last {count} steps of epoch {self.position.epoch + 1}/{self.epochs} had no "
                f"finite loss and gradient: {_CURE}"
            ) from error

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.step.optimizer.param_groups[0]["lr"])

    def _so_far(self) -> str:
        """The accuracy of the last epoch, for the bar of all epochs."""
        top1 = self.position.history[-1].get("val_top1") if self.position.history else None
        return "" if top1 is None else f"val top-1 {top1:.1%}"

    def count(self) -> None:
        """Stores the totals of all processes in the position."""
        self.position.totals = self.processes.sum(self.totals.clone()).tolist()

    def _take_steps(self, overall: Advance) -> Waiting:
        """Takes the remaining steps of the current epoch."""
        position, processes, device = self.position, self.processes, self.processes.device
        agreement, num_batches = Agreement(processes, 3), self.source.num_batches
        # a checkpoint has the totals of all processes
        before = position.totals if processes.is_main else []
        self.totals = torch.tensor([*before, *[0.0] * (4 - len(before))], device=device)
        waiting, shown = Waiting(device, self.start), time.monotonic()
        pace = Pace(processes, waiting, float(self.totals[2]))
        self.step.model.train()
        title = f"epoch {position.epoch + 1}/{self.epochs}"
        earlier = position.epoch * num_batches
        overall(earlier + position.batch, self._so_far())
        with (
            self.report.track(title, num_batches) as advance,
            self.stop.held() if processes.world_size > 1 else nullcontext(),
        ):
            for batch in waiting.batches(self.source.epoch(position.epoch, position.batch)):
                with self.stop.held():
                    self.note(batch.failures)
                    totals = self.step(batch, position.epoch, position.batch, num_batches)
                    self.totals += totals
                    self.nonfinite.note(totals[3])
                    position.batch += 1
                    if time.monotonic() - shown > _SHOW_EVERY:
                        self.nonfinite.look()
                        advance(position.batch, pace.note(self.totals, self.rate))
                        overall(earlier + position.batch, self._so_far())
                        shown = time.monotonic()
                    self.taken()
                    self._heed(*agreement(*self._wishes()))
            advance(position.batch, pace.note(self.totals, self.rate))
            overall(earlier + position.batch, self._so_far())
            self.count()
            self._heed(*agreement.last())
            self.nonfinite.look()
            self._check()
        self._tell_left_out(title)
        return waiting

    def _wishes(self) -> tuple[int, int, int]:
        """The requests of this process: an end by a signal, an end by an error, a checkpoint."""
        failed = self.nonfinite.too_many or self.problem() is not None
        due = not self._asked and self.is_due()  # several processes know it a step later
        self._asked = self._asked or due
        return self.stop.asked or 0, int(failed), int(due)

    def _heed(self, signal: int, failed: int, due: int) -> None:
        """Acts on a request of any process, in all processes after the same step."""
        if failed:
            self.nonfinite.look()
            self._check()
            raise MachineError(_ELSEWHERE)
        if signal:
            self.count()
            self.stop.asked = signal
            self.stop.obey()
        if due:
            self._asked = False
            self.nonfinite.look()
            if not self.nonfinite.count:  # or these weights may be the reason for skipped steps
                self.count()
                self.save()

    def _check(self) -> None:
        """Raises an error that ends the training of this process."""
        if self.nonfinite.too_many:
            raise UsageError(
                f"{self.nonfinite.limit} steps in a row had no finite loss and gradient and "
                f"changed nothing (train.max_nonfinite): {_CURE}"
            )
        problem = self.problem()
        if problem is not None:
            raise problem

    def _tell_left_out(self, title: str) -> None:
        """Says how many steps changed nothing; if all did, that is an error."""
        left_out, steps = round(self.position.totals[3]), self.position.batch
        if 0 < steps <= left_out:
            raise UsageError(f"no step of {title} had a finite gradient: {_CURE}")
        if left_out:
            self.report.say(left_out_line(left_out, steps, title))
