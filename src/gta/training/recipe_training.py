"""The training of a recipe's network on its videos, kept in a folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import torch.distributed as dist
from torch import Tensor, nn

from gta.backbones import TrunkNetwork
from gta.config import Recipe
from gta.cores import available_cores, processes_here
from gta.data.batch import Batch
from gta.data.loader import num_workers
from gta.data.workers import StalledError
from gta.errors import UsageError
from gta.evaluation.evaluate import evaluate
from gta.evaluation.scores import Scores
from gta.features import FrozenVideos
from gta.kept_memory import memory_kept
from gta.progress import Report, Silent
from gta.protocols import parse_protocol
from gta.training.average import averaged_model
from gta.training.batches import video_batches
from gta.training.checkpoint import TrainState
from gta.training.features import FeatureBatches, frozen_features
from gta.training.history import epoch_line
from gta.training.keeping import Keeping
from gta.training.loop import Entry, Loop
from gta.training.memory import memory_error
from gta.training.norm import renew_statistics, shared_norm
from gta.training.optimizer import make_optimizer, peak_rate
from gta.training.processes import Processes
from gta.training.recipe_step import make_step
from gta.training.small_steps import small_steps
from gta.training.source import Source
from gta.training.splits import Splits
from gta.training.stopping import Stop, Stopped
from gta.training.unreadable import Unreadable
from gta.training.waiting import Waiting, advice
from gta.training.watching import Watch


class Training:
    """One training run. Its weights are a function of recipe, videos and number of processes.

    Neither the number of workers nor interruptions change them: on the CPU to the last bit.

    Args:
        model: Maps clips (B, 3, T, H, W) to logits (B, num_classes); moved to the device.
        splits: The videos.
        recipe: The settings.
        folder: Folder of checkpoints and metrics.csv; training resumes at the newest checkpoint.
        processes: This process among all that train.
        save_weights: Called on a thread with (tensors by name, "last" and "best" or one of them,
            finished epochs) to save weights; with `train.ema` they are the averaged weights.
        report: Shows messages and progress.
        stop: Signals that end the training: the current step is finished, its state is saved, and
            `Stopped` is raised. None: signals are not handled.
        watch: Draws and logs the metrics of each epoch, in the main process.
    """

    def __init__(
        self,
        model: nn.Module,
        splits: Splits,
        recipe: Recipe,
        folder: Path,
        processes: Processes,
        *,
        save_weights: Callable[[Mapping[str, Tensor], Sequence[str], int], None],
        report: Report | None = None,
        stop: Stop | None = None,
        watch: Watch | None = None,
    ):
        self.stop, self.report = stop or Stop(), report or Silent()
        self.watch = watch
        self.scores: Scores | None = None
        """Scores of the validation videos after the last epoch."""
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
            *(TrainState(splits.fingerprint()), processes),
            minutes=recipe.train.checkpoint_minutes,
            keep=recipe.train.keep_checkpoints,
            save_weights=save_weights,
            stop=self.stop,
            say=self.report.say,
        )
        self.position = self.keeping.position
        self.was_finished = self.position.epoch >= recipe.train.epochs
        self.unreadable = Unreadable(
            self.position.failures, splits.train, recipe.data.max_unreadable, self.report.say
        )
        self.advised = False
        self.frozen: FrozenVideos | None = None
        """Features of the validation videos, if the trunk is frozen."""
        self.said = set[str]()
        """Validation videos that could not be read."""

    @property
    def scored(self) -> nn.Module:
        """The network that is scored and kept."""
        return self.keeping.scored

    def run(self) -> TrainState:
        """Trains to the end of the last epoch.

        Raises:
            DataError: Too many training videos cannot be read.
            UsageError: Training has diverged.
            MachineError: The disk or the memory is full, or the like.
        """
        with closing(self.keeping), memory_kept(self.processes.device):
            try:
                return self._run()
            finally:
                if self.watch is not None:
                    finished = self.position.epoch >= self.recipe.train.epochs
                    self.watch.close(self.position.history, finished=finished)

    def _run(self) -> TrainState:
        position, train = self.position, self.recipe.train
        self.keeping.write_metrics()  # an interruption may have prevented it
        if self.was_finished:
            return position
        if position.epoch or position.batch:
            self.report.say(f"going on after epoch {position.epoch}, batch {position.batch}")
        if train.lr_batch is not None:
            self.report.say(
                f"learning rate {peak_rate(train):g}: {train.lr:g} is for batches of "
                f"{train.lr_batch} (train.lr_batch), these are of {train.batch_size}"
            )
        source = self._source()
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
            is_due=self.keeping.is_due,
            save=self.keeping.save,
            problem=lambda: self.keeping.problem,
            start=max(self.workers, 1),
            max_nonfinite=train.max_nonfinite,
        )
        with closing(step), small_steps(step, self.model, self.processes):
            try:
                loop.run(score=lambda waiting: self._score(source, waiting), keep=self._keep)
                self.keeping.finish()
            except (Stopped, RuntimeError, MemoryError, StalledError) as error:
                # an error within a step may have changed some of the weights
                whole = isinstance(error, StalledError) and self.processes.world_size == 1
                scoring = position.batch == source.num_batches
                if whole or isinstance(error, Stopped) or scoring:
                    self._keep_end(loop)
                full = memory_error(error, self.recipe, self.processes, scoring=scoring)
                if full is not None:
                    raise full from error
                raise
        source.close()
        return position

    def _source(self) -> Source:
        """The batches: of videos, or of a frozen trunk's features."""
        if not self.recipe.train.freeze:
            return video_batches(
                self.splits, self.recipe, self.processes, self.workers, self.position.set_aside
            )
        assert isinstance(self.model, TrunkNetwork)
        train, self.frozen = frozen_features(
            *(self.model, self.splits, self.recipe, self.processes),
            threads=max(self.workers, 1),
            report=self.report,
        )
        return FeatureBatches(train, self.recipe, self.processes)

    def _score(self, source: Source, waiting: Waiting) -> Entry:
        """Scores the validation videos with current statistics, in all processes."""
        recipe, processes, splits = self.recipe, self.processes, self.splits
        self._advise(waiting)
        if recipe.train.precise_bn:
            batches = source.epoch(self.position.epoch)
            renew_statistics(self.scored, batches, recipe, processes)
        self.unreadable.share(processes)
        for theirs in processes.gather(self.position.set_aside):
            self.position.set_aside.update(theirs)
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
                batches=self.frozen and self._frozen_batches(self.frozen),
                progress=lambda done, _: advance(done * processes.world_size, ""),
            )
        self.scores = scores
        for path, reason in scores.failures:
            if path not in self.said:
                self.said.add(path)
                self.report.say(f"validation video that cannot be read: {path}: {reason}")
        return {
            "val_loss": scores.log_loss(),
            "val_top1": scores.top(1),
            "val_top5": scores.top(5),
            "val_unreadable": len(scores.failures),
            "train_unreadable": len(self.position.failures),
        }

    def _frozen_batches(self, frozen: FrozenVideos) -> Iterator[Batch]:
        processes = self.processes
        return frozen.batches(self.recipe.test.batch_size, processes.rank, processes.world_size)

    def _keep(self, entry: Entry) -> None:
        """Reports an epoch and saves its results."""
        num_classes = len(self.splits.train.classes)
        self.report.say(epoch_line(entry, self.recipe.train.epochs, num_classes))
        self.keeping.save_epoch(entry)
        if self.watch is not None:
            self.watch.epoch(self.position.history, self.scores)

    def _keep_end(self, loop: Loop) -> None:
        """Saves the state of a stopped training, and reports it."""
        with self.stop.held():
            if self.processes.world_size == 1:
                loop.count()
            if loop.nonfinite.count:  # the weights may be the reason for skipped steps
                return
            try:
                kept = self.keeping.save_end(loop.source.num_batches)
            except UsageError as error:
                kept = str(error)
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
