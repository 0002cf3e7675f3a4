"""The training loop."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gta.config import Recipe
from gta.data.loader import Batch, EpochOrder, num_workers
from gta.data.transforms import normalize
from gta.errors import DataError, UsageError
from gta.evaluation.evaluate import evaluate
from gta.evaluation.protocols import parse_protocol
from gta.training.batches import make_loader, timed
from gta.training.checkpoint import Position, load_checkpoint, save_checkpoint
from gta.training.history import epoch_line, write_metrics
from gta.training.mixing import Mixing
from gta.training.optimizer import make_optimizer, set_learning_rate
from gta.training.processes import Processes
from gta.training.report import Report, Silent
from gta.training.schedule import learning_rate
from gta.training.splits import Splits

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
        save_weights: Called with ("last" or "best", finished epochs) when weights are to be kept.
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
        save_weights: Callable[[str, int], None],
        report: Report | None = None,
    ):
        self.splits, self.recipe, self.folder, self.processes = splits, recipe, folder, processes
        self.save_weights, self.report = save_weights, report or Silent()
        self.device = processes.device
        self.workers = num_workers(
            recipe.data.workers, world_size=processes.world_size, cached=splits.cached
        )
        self.mixing = Mixing(recipe.augment, len(splits.train.classes))
        self.model = model.to(self.device)
        self.optimizer = make_optimizer(model, recipe.train)
        self.position = load_checkpoint(
            folder / "checkpoint.pt", model, self.optimizer, Position(splits.fingerprint())
        )
        self.saved_at = time.monotonic()

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
        alone = self.processes.world_size == 1
        replica = self.model if alone else DistributedDataParallel(self.model)
        loader, order = make_loader(self.splits, self.recipe, self.processes, self.workers)
        while position.epoch < epochs:
            began = time.monotonic()
            totals, waited = self._train_epoch(replica, loader, order)
            entry = self._test_epoch(totals)
            entry |= {"seconds": time.monotonic() - began, "waited": waited}
            position.epoch, position.batch, position.totals = position.epoch + 1, 0, [0.0] * 3
            position.history.append(entry)
            self.report.say(epoch_line(entry, epochs))
            self._save_epoch(entry)
        return position

    def _train_epoch(self, replica: nn.Module, loader, order: EpochOrder) -> tuple[Tensor, float]:
        """The rest of the epoch under way: its totals, and seconds spent waiting for videos."""
        position = self.position
        order.epoch, order.start_batch = position.epoch, position.batch
        totals = torch.tensor(position.totals, device=self.device)
        waited, shown = 0.0, time.monotonic()
        self.model.train()
        title = f"epoch {position.epoch + 1}/{self.recipe.train.epochs}"
        with self.report.track(title, order.num_batches) as advance:
            for batch, seconds in timed(loader):
                waited += seconds
                self._note(batch.failures)
                totals += self._step(replica, batch, order.num_batches)
                position.batch += 1
                if time.monotonic() - shown > _SHOW_EVERY:
                    advance(position.batch, f"loss {_mean_loss(totals, title):.3f}")
                    shown = time.monotonic()
                if self._checkpoint_is_due():
                    position.totals = totals.tolist()
                    self._save_checkpoint()
            advance(position.batch, f"loss {_mean_loss(totals, title):.3f}")
        return totals, waited

    def _step(self, replica: nn.Module, batch: Batch, num_batches: int) -> Tensor:
        """One update; returns (sum of losses, clips classified rightly, clips)."""
        settings, position = self.recipe.train, self.position
        moment = position.epoch + (position.batch + 0.5) / num_batches
        set_learning_rate(self.optimizer, learning_rate(settings, moment))
        step = position.epoch * num_batches + position.batch
        torch.manual_seed(_seed(settings.seed, step, self.processes.rank))  # dropout, mixing
        labels = batch.labels.to(self.device, non_blocking=True)
        clips = batch.clips.to(self.device, non_blocking=True)
        half = settings.amp and self.device.type == "cuda"
        clips = normalize(clips, self.recipe.clip.mean, self.recipe.clip.std)
        clips, targets = self.mixing(clips, labels)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            logits = replica(clips)
        logits = logits.float()
        loss = F.cross_entropy(logits, targets, label_smoothing=settings.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(replica.parameters(), settings.clip_norm)
        self.optimizer.step()
        right = (logits.detach().argmax(1) == labels).sum()
        count = torch.full_like(right, len(labels))
        return torch.stack([loss.detach() * len(labels), right, count])

    def _test_epoch(self, totals: Tensor) -> dict[str, float]:
        """Scores the validation videos: the epoch's entry in the history."""
        recipe, processes, splits = self.recipe, self.processes, self.splits
        for failures in processes.gather(self.position.failures):
            self.position.failures |= failures
        if processes.world_size > 1:
            for buffer in self.model.buffers():  # running statistics: the main process's count
                dist.broadcast(buffer, src=0)
        loss, right, clips = processes.sum(totals).tolist()
        with self.report.track("testing", len(splits.val)) as advance:
            scores = evaluate(
                self.model,
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
            "lr": self.optimizer.param_groups[0]["lr"],
            "train_loss": loss / clips,
            "train_top1": right / clips,
            "val_top1": scores.top(1),
            "val_top5": scores.top(5),
            "val_unreadable": len(scores.failures),
            "train_unreadable": len(self.position.failures),
        }

    def _save_epoch(self, entry: dict[str, float]) -> None:
        """Weights first: a machine that stops before the checkpoint repeats the epoch."""
        if self.processes.is_main:
            if entry["val_top1"] > self.position.best_top1:
                self.save_weights("best", self.position.epoch)
            self.save_weights("last", self.position.epoch)
        self.position.best_top1 = max(self.position.best_top1, entry["val_top1"])
        self._save_checkpoint()
        self._write_metrics()

    def _write_metrics(self) -> None:
        if self.processes.is_main and self.position.history:
            write_metrics(self.folder / "metrics.csv", self.position.history)

    def _save_checkpoint(self) -> None:
        if self.processes.is_main:
            path = self.folder / "checkpoint.pt"
            save_checkpoint(path, self.model, self.optimizer, self.position)
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


def _seed(seed: int, step: int, rank: int) -> int:
    """Of what is drawn for one batch on one process."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1)


def _mean_loss(totals: Tensor, title: str) -> float:
    loss, _, clips = totals.tolist()
    if not math.isfinite(loss):
        raise UsageError(
            f"the loss became {loss} in {title}: training has diverged. Lower train.lr, lengthen "
            f"train.warmup_epochs or lower train.clip_norm, and give another --out."
        )
    return loss / max(clips, 1)
