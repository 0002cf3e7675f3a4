"""The training of a recipe's network on its videos, kept in a folder."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import torch.distributed as dist
from torch import nn

from gta.config import Recipe
from gta.cores import available_cores, processes_here
from gta.data.loader import num_workers
from gta.evaluation.evaluate import evaluate
from gta.progress import Report, Silent
from gta.protocols import parse_protocol
from gta.training.average import averaged_model
from gta.training.batches import video_batches
from gta.training.checkpoint import Position
from gta.training.history import epoch_line
from gta.training.keeping import Keeping
from gta.training.loop import Entry, Loop
from gta.training.norm import renew_statistics, shared_norm
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step
from gta.training.schedule import peak_rate
from gta.training.source import Source
from gta.training.splits import Splits
from gta.training.stopping import Stop, Stopped
from gta.training.unreadable import Unreadable
from gta.training.waiting import Waiting, advice


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
        self.stop, self.report = stop or Stop(), report or Silent()
        self.splits, self.recipe, self.processes = splits, recipe, processes
        self.workers = num_workers(
            recipe.data.workers, world_size=processes.world_size, cached=splits.cached
        )
        if recipe.train.sync_bn:
            model = shared_norm(model, processes)
        self.model = model.to(processes.device)
        self.optimizer = make_optimizer(model, recipe.train)
        self.averaged = averaged_model(model, recipe.train.ema)
        self.keeping = Keeping(
            *(folder, model, self.optimizer, self.averaged),
            *(Position(splits.fingerprint()), processes),
            minutes=recipe.train.checkpoint_minutes,
            save_weights=save_weights,
            stop=self.stop,
        )
        self.position = self.keeping.position
        self.was_finished = self.position.epoch >= recipe.train.epochs
        self.unreadable = Unreadable(
            self.position.failures, len(splits.train), recipe.data.max_unreadable, self.report.say
        )
        self.advised = False
        self.said = set[str]()
        """Validation videos that could not be read."""

    @property
    def scored(self) -> nn.Module:
        """The network that is scored and kept."""
        return self.keeping.scored

    def run(self) -> Position:
        """Trains to the end of the last epoch.

        Raises:
            DataError: Too many training videos cannot be read.
            UsageError: Training has diverged.
        """
        position, train = self.position, self.recipe.train
        self.keeping.write_metrics()  # an interruption may have come before they were written
        if self.was_finished:
            return position
        if position.epoch or position.batch:
            self.report.say(f"going on after epoch {position.epoch}, batch {position.batch}")
        if train.lr_batch is not None:
            self.report.say(
                f"learning rate {peak_rate(train):g}: {train.lr:g} is for batches of "
                f"{train.lr_batch} (train.lr_batch), these are of {train.batch_size}"
            )
        source = video_batches(self.splits, self.recipe, self.processes, self.workers)
        step = make_step(
            *(self.model.train(), self.optimizer, self.recipe, len(self.splits.train.classes)),
            self.processes,
            averaged=self.averaged,
            say=self.report.say,
        )
        loop = Loop(
            *(step, source, position, self.processes),
            epochs=train.epochs,
            report=self.report,
            stop=self.stop,
            note=self.unreadable.note,
            taken=lambda: self._save_if_due(loop),
            start=max(self.workers, 1),
        )
        with closing(step):
            try:
                loop.run(score=lambda waiting: self._score(source, waiting), keep=self._keep)
            except (Stopped, RuntimeError) as error:
                # what goes wrong in a step may have changed some of the weights
                if isinstance(error, Stopped) or position.batch == source.num_batches:
                    self._keep_end(loop)
                raise
        source.close()
        return position

    def _score(self, source: Source, waiting: Waiting) -> Entry:
        """The figures of the validation videos, with statistics of now and all processes."""
        recipe, processes, splits = self.recipe, self.processes, self.splits
        self._advise(waiting)
        if recipe.train.precise_bn:
            batches = source.epoch(self.position.epoch)
            renew_statistics(self.scored, batches, recipe, processes)
        self.unreadable.share(processes)
        if processes.world_size > 1:
            for buffer in self.scored.buffers():  # running statistics: the main process's count
                dist.broadcast(buffer, src=0)
        with self.report.track("testing", len(splits.val)) as advance:
            scores = evaluate(
                self.scored,
                splits.val,
                parse_protocol(recipe.test.protocol),
                clip=recipe.clip,
                device=processes.device,
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
            "val_top1": scores.top(1),
            "val_top5": scores.top(5),
            "val_unreadable": len(scores.failures),
            "train_unreadable": len(self.position.failures),
        }

    def _keep(self, entry: Entry) -> None:
        """Tells of an epoch and keeps what it gave."""
        num_classes = len(self.splits.train.classes)
        self.report.say(epoch_line(entry, self.recipe.train.epochs, num_classes))
        self.keeping.save_epoch(entry)

    def _save_if_due(self, loop: Loop) -> None:
        if self.keeping.is_due():
            loop.count()
            self.keeping.save()

    def _keep_end(self, loop: Loop) -> None:
        """Saves where training was stopped, and says so."""
        with self.stop.held():
            if self.processes.world_size == 1:
                loop.count()
            kept = self.keeping.save_end(loop.source.num_batches)
            if kept is not None:
                self.report.say(kept)

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
