"""The training loop."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gta.config import Recipe
from gta.data.loader import EpochOrder, num_workers
from gta.errors import DataError, UsageError
from gta.evaluation.evaluate import evaluate
from gta.evaluation.protocols import parse_protocol
from gta.training.average import averaged_model
from gta.training.batches import make_loader
from gta.training.checkpoint import Position, load_checkpoint, save_checkpoint
from gta.training.history import epoch_line, left_out_line, write_metrics
from gta.training.norm import renew_statistics, shared_norm
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step
from gta.training.report import Report, Silent
from gta.training.schedule import peak_rate
from gta.training.splits import Splits
from gta.training.step import Step
from gta.training.waiting import Waiting, advice

_AGREE_EVERY = 50
"""Batches after which several processes agree whether it is time for a checkpoint."""
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
    ):
        self.splits, self.recipe, self.folder, self.processes = splits, recipe, folder, processes
        self.save_weights, self.report = save_weights, report or Silent()
        self.device = processes.device
        self.workers = num_workers(
            recipe.data.workers, world_size=processes.world_size, cached=splits.cached
        )
        if recipe.train.sync_norm:
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
        self.saved_at = time.monotonic()

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
        if position.epoch == epochs:
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
        step = make_step(
            self.model.train(),
            self.optimizer,
            self.recipe,
            num_classes,
            self.processes,
            averaged=self.averaged,
            say=self.report.say,
        )
        loader, order = make_loader(self.splits, self.recipe, self.processes, self.workers)
        advised = False
        while position.epoch < epochs:
            began = time.monotonic()
            totals, waited = self._train_epoch(step, loader, order)
            advised = advised or self._advise(waited, time.monotonic() - began)
            if train.precise_norm:
                order.start_batch = 0
                renew_statistics(self.scored, loader, self.recipe, self.processes)
            entry = self._test_epoch(totals)
            entry |= {"seconds": time.monotonic() - began, "waited": waited}
            position.epoch, position.batch, position.totals = position.epoch + 1, 0, [0.0] * 3
            position.history.append(entry)
            self.report.say(epoch_line(entry, epochs))
            self._save_epoch(entry)
        return position

    def _train_epoch(self, step: Step, loader, order: EpochOrder) -> tuple[Tensor, float]:
        """The rest of the epoch under way: its totals, and seconds spent waiting for videos."""
        position = self.position
        order.epoch, order.start_batch = position.epoch, position.batch
        begun = position.totals + [0.0] * (4 - len(position.totals))
        totals = torch.tensor(begun, device=self.device)
        waiting, shown = Waiting(self.device), time.monotonic()
        self.model.train()
        title = f"epoch {position.epoch + 1}/{self.recipe.train.epochs}"
        with self.report.track(title, order.num_batches) as advance:
            for batch in waiting.batches(loader):
                self._note(batch.failures)
                totals += step(batch, position.epoch, position.batch, order.num_batches)
                position.batch += 1
                if time.monotonic() - shown > _SHOW_EVERY:
                    advance(position.batch, f"loss {_mean_loss(totals, title):.3f}")
                    shown = time.monotonic()
                if self._checkpoint_is_due():
                    position.totals = totals.tolist()
                    self._save_checkpoint()
            advance(position.batch, f"loss {_mean_loss(totals, title):.3f}")
        return totals, waiting.seconds()

    def _advise(self, waited: float, seconds: float) -> bool:
        """Says what to do if the network waits for videos."""
        text = advice(waited, seconds, self.workers)
        if text is not None:
            self.report.say(text)
        return text is not None

    def _test_epoch(self, totals: Tensor) -> dict[str, float]:
        """Scores the validation videos: the epoch's entry in the history."""
        recipe, processes, splits = self.recipe, self.processes, self.splits
        for failures in processes.gather(self.position.failures):
            self.position.failures |= failures
        if processes.world_size > 1:
            for buffer in self.scored.buffers():  # running statistics: the main process's count
                dist.broadcast(buffer, src=0)
        loss, right, clips, left_out = processes.sum(totals).tolist()
        line = left_out_line(round(left_out), self.position.batch, self.position.epoch + 1)
        if line is not None:
            self.report.say(line)
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
        self.saved_at = time.monotonic()

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
        limit = self.recipe.data.max_bad
        if len(known) > limit * count:
            path, reason = next(iter(known.items()))
            raise DataError(
                f"{len(known)} of {count} training videos cannot be read, more than the limit of "
                f"{limit:.0%}; the first is {path}: {reason}. Mend or remove them, or raise the "
                f"limit: --set data.max_bad=0.5"
            )


def _mean_loss(totals: Tensor, title: str) -> float:
    loss, _, clips, _ = totals.tolist()
    if not math.isfinite(loss):
        raise UsageError(
            f"the loss became {loss} in {title}: training has diverged. Lower train.lr, lengthen "
            f"train.warmup_epochs or lower train.clip_norm, and give another --out."
        )
    return loss / max(clips, 1)
