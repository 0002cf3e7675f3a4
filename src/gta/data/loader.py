"""Batches: which samples, in which order, on which process."""

from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from gta.children import from_server, serve
from gta.cores import available_cores, processes_here
from gta.data.batch import Batch, SharedBatch, possible_workers
from gta.data.dataset import Item, TrainingClips, ViewClips
from gta.data.reading import Reading
from gta.data.transforms.clip import stacked
from gta.data.workers import WorkerLoader
from gta.errors import DataError, UsageError


class EpochOrder(Sampler[list[tuple[int, ...]]]):
    """Batches of (epoch, index): a permutation for each epoch, from (seed, epoch) alone.

    With `repeats`, (epoch, index, repeat): each video comes so many times in a row (repeated
    augmentation, Hoffer et al. 2020), and an epoch has so many times as many batches.

    The last, incomplete batch is dropped, unless the epoch is `whole`; a set smaller than one batch
    is one batch. Set `epoch` and `start_batch` before each pass over the loader.

    Args:
        num_videos: Of the training set.
        batch_size: Over all processes.
        seed: Of the permutations, not negative.
        epoch: From 0.
        start_batch: Batches to skip: those before an interruption.
        rank: Of this process; it takes the `rank`-th part of each batch.
        world_size: Processes.
        repeats: Clips of each video.
        whole: Every video is in a batch; there is one more, and they are of even size. Not with
            several processes, whose parts are of one size.

    Raises:
        UsageError: `batch_size` is not a positive multiple of `world_size`.
        DataError: There are fewer videos than processes.
    """

    def __init__(
        self,
        num_videos: int,
        *,
        batch_size: int,
        seed: int,
        epoch: int = 0,
        start_batch: int = 0,
        rank: int = 0,
        world_size: int = 1,
        repeats: int = 1,
        whole: bool = False,
    ):
        if batch_size < 1:
            raise UsageError(f"train.batch_size={batch_size} is not possible; it is at least 1.")
        if batch_size % world_size:
            raise UsageError(
                f"train.batch_size={batch_size} cannot be shared by {world_size} processes; it "
                f"counts the clips of all of them, so use a multiple of {world_size}."
            )
        if num_videos < world_size:
            raise DataError(f"{num_videos} training videos are too few for {world_size} processes.")
        self.num_videos, self.repeats = num_videos, repeats
        num_clips = num_videos * repeats
        self.batch_size = min(batch_size, num_clips - num_clips % world_size)
        self.seed, self.epoch, self.start_batch = seed, epoch, start_batch
        self.rank, self.world_size = rank, world_size
        self.num_batches = num_clips // self.batch_size
        """Of an epoch."""
        used = self.num_batches * self.batch_size
        if whole and world_size == 1:
            self.num_batches, used = -(-num_clips // self.batch_size), num_clips
        self.ends = [used * i // self.num_batches for i in range(self.num_batches + 1)]

    def __len__(self) -> int:
        return max(self.num_batches - self.start_batch, 0)

    def __iter__(self) -> Iterator[list[tuple[int, ...]]]:
        # The number of videos is no index: another stream than that of any sample.
        epoch = self.epoch
        rng = np.random.default_rng([self.seed, epoch, self.num_videos])
        order = rng.permutation(self.num_videos)
        for batch in range(self.start_batch, self.num_batches):
            start, share = self.ends[batch], self.ends[batch + 1] - self.ends[batch]
            share //= self.world_size
            start += self.rank * share
            clips = (divmod(clip, self.repeats) for clip in range(start, start + share))
            yield [(epoch, int(order[i]), *([r] if self.repeats > 1 else [])) for i, r in clips]


class _ListOrder(Sampler[list[int]]):
    """Indices in their order, in batches from `start_batch` on."""

    def __init__(self, indices: range, batch_size: int):
        self.indices, self.batch_size, self.start_batch = indices, batch_size, 0

    def __len__(self) -> int:
        return max(-(-len(self.indices) // self.batch_size) - self.start_batch, 0)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(self.start_batch * self.batch_size, len(self.indices), self.batch_size):
            yield list(self.indices[start : start + self.batch_size])


def num_workers(asked: int | None, *, world_size: int = 1, cached: bool = False) -> int:
    """Loader processes of one training process.

    Args:
        asked: By the user; None: one process a core, shared by the training processes of this
            machine, at most 8, and none where there is nothing to decode.
        world_size: Training processes, on all machines.
        cached: All frames are in memory.
    """
    if asked is not None:
        return asked
    if cached:
        return 0
    return max(1, min(8, available_cores() // processes_here(world_size)))


def training_loader(
    dataset: TrainingClips,
    *,
    batch_size: int,
    seed: int,
    epoch: int = 0,
    start_batch: int = 0,
    rank: int = 0,
    world_size: int = 1,
    repeats: int = 1,
    workers: int = 0,
    pin_memory: bool = False,
    set_aside: dict[str, str] | None = None,
) -> WorkerLoader:
    """Batches of one epoch, the same for any number of workers.

    To keep the worker processes for the next epoch, set `loader.batch_sampler.epoch` (and
    `.start_batch`) and iterate again. See `EpochOrder` for the arguments; `set_aside` says of
    videos that are not to be read why, by their ids, and gets those at which a worker dies.
    """
    order = EpochOrder(
        len(dataset),
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
        start_batch=start_batch,
        rank=rank,
        world_size=world_size,
        repeats=repeats,
    )
    workers = possible_workers(workers, _frames_to_share(dataset))
    options = {
        **_options(workers),
        "collate_fn": _collate,
        "persistent_workers": workers > 0,
        "pin_memory": pin_memory,
    }
    reading = Reading(workers, set_aside)
    return WorkerLoader(_Guarded(dataset, reading), dataset.videos, order, reading, options)


def evaluation_loader(
    dataset: ViewClips,
    *,
    batch_size: int,
    rank: int = 0,
    world_size: int = 1,
    workers: int = 0,
    pin_memory: bool = False,
) -> DataLoader[Batch]:
    """Every `world_size`-th video from `rank` on, in order: none twice, none skipped.

    A batch holds the videos that could be read; it may be empty.
    """
    workers = possible_workers(workers, _frames_to_share(dataset))
    order = _ListOrder(range(rank, len(dataset), world_size), batch_size)
    options = {
        **_options(workers),
        "collate_fn": partial(_collate, shape=dataset.shape),
        "pin_memory": pin_memory,
    }
    reading = Reading(workers)
    return WorkerLoader(_Guarded(dataset, reading), dataset.videos, order, reading, options)


def _options(workers: int) -> dict[str, Any]:
    """Of torch's loader."""
    return {
        "num_workers": workers,
        "worker_init_fn": serve,
        "multiprocessing_context": _start_method(workers),
        "generator": torch.Generator(),  # or iterating would draw from the global generator
    }


def _frames_to_share(clips: TrainingClips | ViewClips) -> int:
    """Bytes of frames in memory that loader processes would need in shared memory."""
    cache = clips.frames.cache
    return 0 if cache is None else cache.unshared_bytes


def _start_method(workers: int) -> BaseContext | None:
    """With several processes, a forked process hung once in some hundred epochs.

    Frames in memory reach the workers through shared memory.
    """
    return from_server(f"{__package__}.fork_server", __name__) if workers else None


class _Guarded(Dataset):
    """Gives a `UsageError` instead of raising it: torch would bury a worker's in a traceback."""

    def __init__(self, clips: TrainingClips | ViewClips, reading: Reading):
        self.clips, self.reading = clips, reading
        clips.reading = reading

    def __len__(self) -> int:
        return len(self.clips)

    def __getitems__(self, keys: Sequence) -> list[Item] | UsageError:
        try:
            return [self.clips[key] for key in keys]
        except UsageError as error:
            return error
        finally:
            self.reading.end()


def _collate(
    items: list[Item] | UsageError, shape: tuple[int, ...] = ()
) -> Batch | SharedBatch | UsageError:
    """Samples to a batch; in a loader process, to a batch in shared memory."""
    if isinstance(items, UsageError):
        return items
    readable = [(item.clip, item) for item in items if item.clip is not None]
    clips = [clip for clip, _ in readable]
    batch = Batch(
        clips=stacked(clips) if clips else torch.empty((0, *shape), dtype=torch.uint8),
        labels=torch.tensor([item.label for _, item in readable], dtype=torch.int64),
        indices=torch.tensor([item.index for _, item in readable], dtype=torch.int64),
        failures=[failure for item in items for failure in item.failures],
        cut_off=[item.cut_off for item in items if item.cut_off is not None],
    )
    return batch if get_worker_info() is None else SharedBatch.of(batch)
