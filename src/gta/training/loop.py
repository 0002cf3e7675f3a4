"""The training loop: one step after the other, over any source of batches."""

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
_ELSEWHERE = "another process cannot go on; it tells why"
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
        is_due: Whether it is time to save; one of several processes decides for all.
        save: Called after a step, by all processes, when it is.
        problem: Why training cannot go on, if there is a reason outside of it.
        start: Batches with which the source is getting going: one of each of its processes.
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
            score: Called after the steps of an epoch with how they waited; figures to add to its
                own.
            keep: Called with all figures of an epoch once `position` is after it. No signal
                interrupts it.

        Raises:
            UsageError: Training has diverged.
            MachineError: It cannot go on, here or in another process.
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
                self.stop.obey()  # several processes agree on it after a step

    def _scored(self, score: Callable[[Waiting], Entry], waiting: Waiting) -> Entry:
        """The figures of `score`, or why there are none."""
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
        """The accuracy of the last epoch, beside the bar of them all."""
        top1 = self.position.history[-1].get("val_top1") if self.position.history else None
        return "" if top1 is None else f"val top-1 {top1:.1%}"

    def count(self) -> None:
        """Puts the totals of all processes into the position."""
        self.position.totals = self.processes.sum(self.totals.clone()).tolist()

    def _take_steps(self, overall: Advance) -> Waiting:
        """The rest of the epoch under way."""
        position, processes, device = self.position, self.processes, self.processes.device
        agreement, num_batches = Agreement(processes, 3), self.source.num_batches
        # the totals of a checkpoint are of all processes
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
        """What this process wants: a signal's end, an end as it cannot go on, a checkpoint."""
        failed = self.nonfinite.too_many or self.problem() is not None
        due = not self._asked and self.is_due()  # several processes hear of it a step later
        self._asked = self._asked or due
        return self.stop.asked or 0, int(failed), int(due)

    def _heed(self, signal: int, failed: int, due: int) -> None:
        """Does what one of the processes wants, in all of them after the same step."""
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
            if not self.nonfinite.count:  # or these weights may be why steps are being left out
                self.count()
                self.save()

    def _check(self) -> None:
        """Raises what keeps this process from going on."""
        if self.nonfinite.too_many:
            raise UsageError(
                f"{self.nonfinite.limit} steps in a row had no finite loss and gradient and "
                f"changed nothing (train.max_nonfinite): {_CURE}"
            )
        problem = self.problem()
        if problem is not None:
            raise problem

    def _tell_left_out(self, title: str) -> None:
        """Says how many steps changed nothing; all of them are an error."""
        left_out, steps = round(self.position.totals[3]), self.position.batch
        if 0 < steps <= left_out:
            raise UsageError(f"no step of {title} had a finite gradient: {_CURE}")
        if left_out:
            self.report.say(left_out_line(left_out, steps, title))
