"""The batches that a recipe trains on."""

import time
from collections.abc import Iterator

from gta.config import Recipe
from gta.data.cache import FrameCache
from gta.data.dataset import TrainingClips
from gta.data.loader import Batch, EpochOrder, training_loader
from gta.data.records import VideoList
from gta.data.sampling import Sampling
from gta.data.transforms.augment import Augmentation
from gta.data.transforms.clip import TrainTransform
from gta.data.workers import WorkerLoader
from gta.training.processes import Processes
from gta.training.splits import Splits


class VideoBatches:
    """The `Source` of videos, read by a loader.

    Args:
        loader: From `training_loader`; its processes serve all epochs.
    """

    def __init__(self, loader: WorkerLoader):
        order = loader.batch_sampler
        assert isinstance(order, EpochOrder)
        self.loader, self.order = loader, order

    @property
    def num_batches(self) -> int:
        """Batches of a whole epoch."""
        return self.order.num_batches

    @property
    def batch_size(self) -> int:
        """Clips per batch over all processes."""
        return self.order.batch_size

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from `start` on."""
        self.order.epoch, self.order.start_batch = number, start
        return iter(self.loader)

    def close(self) -> None:
        """Ends the loader's processes."""
        self.loader.close()


def video_batches(
    splits: Splits,
    recipe: Recipe,
    processes: Processes,
    workers: int,
    set_aside: dict[str, str] | None = None,
) -> VideoBatches:
    """This process's part of all batches of a recipe's training videos.

    Args:
        splits: The videos.
        recipe: The settings.
        processes: This process among all that train.
        workers: Number of loader processes.
        set_aside: Reasons for not reading some videos, by id; a video at which a loader process
            dies is added.
    """
    return VideoBatches(
        training_loader(
            training_clips(splits.train, recipe, splits.train_cache),
            batch_size=recipe.train.batch_size,
            seed=recipe.train.seed,
            rank=processes.rank,
            world_size=processes.world_size,
            repeats=recipe.augment.repeats,
            workers=workers,
            pin_memory=processes.device.type == "cuda",
            set_aside=set_aside,
        )
    )


def training_clips(videos: VideoList, recipe: Recipe, cache: FrameCache | None) -> TrainingClips:
    """The clips of videos, drawn and augmented as a recipe says."""
    return TrainingClips(
        videos,
        num_frames=recipe.clip.num_frames,
        transform=TrainTransform(
            size=recipe.clip.size,
            resize=recipe.clip.resize,
            scales=recipe.augment.scales,
            scale_jitter=recipe.augment.scale_jitter,
            augmentation=Augmentation(
                rand_augment=recipe.augment.rand_augment,
                color_jitter=recipe.augment.color_jitter,
                erase=recipe.augment.erase,
                fill=[round(255 * value) for value in recipe.clip.mean],
            ),
        ),
        flip=recipe.augment.flip,
        seed=recipe.train.seed,
        sampling=Sampling(recipe.clip.sampling, recipe.clip.stride),
        cache=cache,
    )


def timed(batches: Iterator[Batch]) -> Iterator[tuple[Batch, float]]:
    """Batches, each with the seconds of waiting for it."""
    while True:
        began = time.monotonic()
        batch = next(batches, None)
        if batch is None:
            return
        yield batch, time.monotonic() - began
