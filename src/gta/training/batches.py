"""The batches that a recipe trains on."""

import time
from collections.abc import Iterator

from torch.utils.data import DataLoader

from gta.config import Recipe
from gta.data.dataset import TrainingClips
from gta.data.loader import Batch, EpochOrder, training_loader
from gta.data.sampling.modes import Sampling
from gta.data.transforms.augment import Augmentation
from gta.data.transforms.clip import TrainTransform
from gta.training.processes import Processes
from gta.training.splits import Splits


def make_loader(
    splits: Splits, recipe: Recipe, processes: Processes, workers: int
) -> tuple[DataLoader[Batch], EpochOrder]:
    """This process's part of all batches; the order is set to an epoch before each pass."""
    clips = TrainingClips(
        splits.train,
        num_frames=recipe.clip.num_frames,
        transform=TrainTransform(
            size=recipe.clip.size,
            resize=recipe.clip.resize,
            scales=recipe.augment.scales,
            jitter=recipe.augment.jitter,
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
        cache=splits.train_cache,
    )
    loader = training_loader(
        clips,
        batch_size=recipe.train.batch_size,
        seed=recipe.train.seed,
        rank=processes.rank,
        world_size=processes.world_size,
        repeats=recipe.augment.repeats,
        workers=workers,
        pin_memory=processes.device.type == "cuda",
    )
    order = loader.batch_sampler
    assert isinstance(order, EpochOrder)
    return loader, order


def timed(loader: DataLoader[Batch]) -> Iterator[tuple[Batch, float]]:
    """Batches, each with the seconds for which it was waited."""
    batches = iter(loader)
    while True:
        began = time.monotonic()
        batch = next(batches, None)
        if batch is None:
            return
        yield batch, time.monotonic() - began
