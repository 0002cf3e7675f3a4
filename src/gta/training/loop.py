"""The training loop."""

import math
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import DataLoader

from gta.config import Recipe
from gta.cores import available_cores, processes_here
from gta.data.loader import Batch, EpochOrder, num_workers
from gta.errors import DataError, UsageError
from gta.evaluation.evaluate import evaluate
from gta.evaluation.protocols import parse_protocol
from gta.training.average import averaged_model
from gta.training.batches import make_loader
from gta.training.checkpoint import Position, load_checkpoint, save_checkpoint
from gta.training.history import epoch_line, left_out_line, write_metrics
from gta.training.norm import renew_statistics, shared_norm
from gta.training.optimizer import make_optimizer
from gta.training.processes import Agreement, Processes
from gta.training.recipe_step import make_step
from gta.training.report import Report, Silent
from gta.training.schedule import peak_rate
from gta.training.splits import Splits
from gta.training.step import Step
from gta.training.stopping import Stop, Stopped
from gta.training.waiting import Waiting, advice

_AGREE_EVERY = 50
"""Batches after which several processes agree whether it is time for a checkpoint."""
_CURE = (
    "training has diverged. Lower train.lr, lengthen train.warmup_epochs or lower train.clip_norm, "
    "and give another --out."
)
GO_ON = "the same command goes on"
_SHOW_EVERY = 0.5
"""Seconds between two looks at the loss: each makes the GPU and the CPU wait for each other."""


class Training:
    """One training run. Its weights are a function of recipe, videos and number of processes.

    Neither the number of workers nor interruptions change them: on the CPU to the last bit.

    Args:
        model: Maps clips (B, 3, T, H, W) to logits (B, num_classes); moved to the device.
        splits: The videos.
        recipe: The settings.
        folder: Of checkpoint.pt and metrics.csv; a checkpoint in it is where training goes on.
        processes: This process among all that train.
        save_weights: Called with (model, "last" or "best", finished epochs) when weights are to be
            kept: the averaged ones where `train.ema` asks for them.
        report: Where messages and progress go.
        stop: Signals that ask for the end: the step under way is finished, its state is saved, and
            `Stopped` is raised. If left out, none is listened to.
    """

    def __init__(
        self,
        model: nn.Module,
        splits: Splits,
        recipe: Recipe,
        folder: Path,
        processes: Processes,
        *,
        save_weights: Callable[[nn.Module, str, int], None],
        report: Report | None = None,
        stop: Stop | None = None,
    ):
        self.stop = stop or Stop()
        self.splits, self.recipe, self.folder, self.processes = splits, recipe, folder, processes
        self.save_weights, self.report = save_weights, report or Silent()
        self.device = processes.device
        self.workers = num_workers(
            recipe.data.workers, world_size=processes.world_size, cached=splits.cached
        )
        if recipe.train.sync_bn:
            model = shared_norm(model, processes)
        self.model = model.to(self.device)
        self.optimizer = make_optimizer(model, recipe.train)
        self.averaged = averaged_model(model, recipe.train.ema)
        self.position = load_checkpoint(
            folder / "checkpoint.pt",
            model,
            self.optimizer,
            Position(splits.fingerprint()),
            self.averaged,
        )
        self.was_finished = self.position.epoch >= recipe.train.epochs
        self.totals = torch.zeros(4)
        self.saved_at, self.saved = time.monotonic(), self._place
        if self.saved != (0, 0):
            self.stop.kept = GO_ON
        self.advised = False
        self.said = set[str]()
        """Validation videos that could not be read."""

    @property
    def _place(self) -> tuple[int, int]:
        return self.position.epoch, self.position.batch

    @property
    def scored(self) -> nn.Module:
        """The network that is scored and kept: the average, if there is one."""
        return self.model if self.averaged is None else self.averaged.module

    def run(self) -> Position:
        """Trains to the end of the last epoch.

        Raises:
            DataError: Too many training videos cannot be read.
            UsageError: Training has diverged.
        """
        position, epochs = self.position, self.recipe.train.epochs
        self._write_metrics()  # an interruption may have come before they were written
        if self.was_finished:
            return position
        if position.epoch or position.batch:
            self.report.say(f"going on after epoch {position.epoch}, batch {position.batch}")
        rate, train = peak_rate(self.recipe.train), self.recipe.train
        if train.lr_batch is not None:
            self.report.say(
                f"learning rate {rate:g}: {train.lr:g} is for batches of {train.lr_batch} "
                f"(train.lr_batch), these are of {train.batch_size}"
            )
        num_classes = len(self.splits.train.classes)
        made = make_step(
            self.model.train(),
            self.optimizer,
            self.recipe,
            num_classes,
            self.processes,
            averaged=self.averaged,
            say=self.report.say,
        )
        loader, order = make_loader(self.splits, self.recipe, self.processes, self.workers)
        with closing(made) as step:
            while position.epoch < epochs:
                try:
                    self._epoch(step, loader, order)
                except (Stopped, RuntimeError) as error:
                    # what goes wrong in a step may have changed some of the weights
                    if isinstance(error, Stopped) or position.batch == order.num_batches:
                        self._keep(order.num_batches)
                    raise
        return position

    def _epoch(self, step: Step, loader: DataLoader[Batch], order: EpochOrder) -> None:
        """Trains for the rest of an epoch, scores the validation videos, keeps what it gave."""
        began, position = time.monotonic(), self.position
        waited = self._train_epoch(step, loader, order)
        if self.recipe.train.precise_bn:
            order.start_batch = 0
            renew_statistics(self.scored, loader, self.recipe, self.processes)
        entry = self._test_epoch()
        entry |= {"seconds": time.monotonic() - began, "waited": waited}
        with self.stop.held():
            position.epoch, position.batch, position.totals = position.epoch + 1, 0, [0.0] * 4
            position.history.append(entry)
            self.report.say(
                epoch_line(entry, self.recipe.train.epochs, len(self.splits.train.classes))
            )
            self._save_epoch(entry)
        if self.processes.world_size == 1 and position.epoch < self.recipe.train.epochs:
            self.stop.obey()  # several processes agree on it after a step

    def _train_epoch(self, step: Step, loader: DataLoader[Batch], order: EpochOrder) -> float:
        """The rest of the epoch under way; seconds spent waiting for videos."""
        position, agreement = self.position, Agreement(self.processes)
        order.epoch, order.start_batch = position.epoch, position.batch
        # the totals of a checkpoint are of all processes
        before = position.totals if self.processes.is_main else []
        self.totals = torch.tensor([*before, *[0.0] * (4 - len(before))], device=self.device)
        waiting, shown = Waiting(self.device, max(self.workers, 1)), time.monotonic()
        self.model.train()
        title = f"epoch {position.epoch + 1}/{self.recipe.train.epochs}"
        several = self.processes.world_size > 1
        with (
            self.report.track(title, order.num_batches) as advance,
            self.stop.held() if several else nullcontext(),
        ):
            for batch in waiting.batches(loader):
                with self.stop.held():
                    self._note(batch.failures)
                    self.totals += step(batch, position.epoch, position.batch, order.num_batches)
                    position.batch += 1
                    if time.monotonic() - shown > _SHOW_EVERY:
                        advance(position.batch, f"loss {_mean_loss(self.totals, title):.3f}")
                        shown = time.monotonic()
                    if self._checkpoint_is_due():
                        self._count()
                        self._save_checkpoint()
                    self._obey(agreement(self.stop.asked or 0))
            advance(position.batch, f"loss {_mean_loss(self.totals, title):.3f}")
            self._count()
            self._obey(agreement.last())
        self._tell_left_out(title)
        self._advise(waiting)
        return waiting.seconds()

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
            self._count()
            self.stop.asked = number
            self.stop.obey()

    def _count(self) -> None:
        """Puts the totals of all processes into the position."""
        self.position.totals = self.processes.sum(self.totals.clone()).tolist()

    def _keep(self, num_batches: int) -> None:
        """Saves where training was stopped, and says so."""
        position = self.position
        with self.stop.held():
            if self.processes.world_size == 1:
                self._count()
            if not math.isfinite(position.totals[0]):
                return
            if self._place != self.saved:
                self._save_checkpoint()
            if self.saved == (0, 0):
                return
            epochs = f"{position.epoch} epoch{'s' * (position.epoch != 1)}"
            batches = f" and {position.batch} of {num_batches} steps of the next"
            self.report.say(
                f"kept in {self.folder / 'checkpoint.pt'}: "
                f"{epochs}{batches if position.batch else ''}"
            )

    def _advise(self, waiting: Waiting) -> None:
        """Says what to do if the network waits for videos, once."""
        share = waiting.share()
        if self.advised or share is None:
            return
        cores = max(1, available_cores() // processes_here(self.processes.world_size))
        text = advice(share, self.splits, self.recipe.data, self.workers, cores)
        if text is not None:
            self.report.say(text)
            self.advised = True

    def _test_epoch(self) -> dict[str, float]:
        """Scores the validation videos: the epoch's entry in the history."""
        recipe, processes, splits = self.recipe, self.processes, self.splits
        for failures in processes.gather(self.position.failures):
            self.position.failures |= failures
        if processes.world_size > 1:
            for buffer in self.scored.buffers():  # running statistics: the main process's count
                dist.broadcast(buffer, src=0)
        loss, right, clips, left_out = self.position.totals
        with self.report.track("testing", len(splits.val)) as advance:
            scores = evaluate(
                self.scored,
                splits.val,
                parse_protocol(recipe.test.protocol),
                clip=recipe.clip,
                device=self.device,
                batch_size=recipe.test.batch_size,
                workers=self.workers,
                amp=recipe.train.amp,
                rank=processes.rank,
                world_size=processes.world_size,
                cache=splits.val_cache,
                progress=lambda done, _: advance(done * processes.world_size, ""),
            )
        for path, reason in scores.failures:
            if path not in self.said:
                self.said.add(path)
                self.report.say(f"validation video that cannot be read: {path}: {reason}")
        return {
            "epoch": self.position.epoch + 1,
            "lr": float(self.optimizer.param_groups[0]["lr"]),
            "train_loss": loss / clips,
            "train_top1": right / clips,
            "val_top1": scores.top(1),
            "val_top5": scores.top(5),
            "val_unreadable": len(scores.failures),
            "train_unreadable": len(self.position.failures),
            "train_left_out": left_out,
        }

    def _save_epoch(self, entry: dict[str, float]) -> None:
        """Weights first: a machine that stops before the checkpoint repeats the epoch."""
        if self.processes.is_main:
            if entry["val_top1"] > self.position.best_top1:
                self.save_weights(self.scored, "best", self.position.epoch)
            self.save_weights(self.scored, "last", self.position.epoch)
        self.position.best_top1 = max(self.position.best_top1, entry["val_top1"])
        self._save_checkpoint()
        self._write_metrics()

    def _write_metrics(self) -> None:
        if self.processes.is_main and self.position.history:
            write_metrics(self.folder / "metrics.csv", self.position.history)

    def _save_checkpoint(self) -> None:
        if self.processes.is_main:
            path = self.folder / "checkpoint.pt"
            save_checkpoint(path, self.model, self.optimizer, self.position, self.averaged)
        self.saved_at, self.saved = time.monotonic(), self._place
        self.stop.kept = GO_ON

    def _checkpoint_is_due(self) -> bool:
        if self.processes.world_size > 1 and self.position.batch % _AGREE_EVERY:
            return False
        seconds = time.monotonic() - self.saved_at
        return self.processes.agree(seconds > 60 * self.recipe.train.checkpoint_minutes)

    def _note(self, failures: list[tuple[str, str]]) -> None:
        """Puts videos that could not be read on record; too many are an error."""
        known, count = self.position.failures, len(self.splits.train)
        for path, reason in failures:
            if path not in known:
                known[path] = reason
                self.report.say(f"left out, another video takes its place: {path}: {reason}")
        limit = self.recipe.data.max_unreadable
        if len(known) > limit * count:
            path, reason = next(iter(known.items()))
            raise DataError(
                f"{len(known)} of {count} training videos cannot be read, more than the limit of "
                f"{limit:.0%}; the first is {path}: {reason}. Mend or remove them, or raise the "
                f"limit: --set data.max_unreadable=0.5"
            )


def _mean_loss(totals: Tensor, title: str) -> float:
    loss, _, clips, _ = totals.tolist()
    if not math.isfinite(loss):
        raise UsageError(f"the loss became {loss} in {title}: {_CURE}")
    return loss / max(clips, 1)
