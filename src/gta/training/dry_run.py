"""The time, memory and disk of a training, measured on a few real samples; nothing is kept."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from gta.config import Recipe, Train
from gta.cores import available_cores
from gta.cuda_graphs.captured import WARM_UP
from gta.data.loader import Batch, num_workers
from gta.errors import DataError
from gta.inference import probabilities, protocol_views
from gta.protocols import parse_protocol
from gta.training.batches import timed, video_batches
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step
from gta.training.splits import Splits

_STEPS = {"cpu": 3, "cuda": 3 + WARM_UP}
"""Number of steps. The first allocate memory and choose kernels; on a GPU, a graph is recorded."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """Measurements, and estimates from them."""

    batch_size: int
    loss: float
    """Of the first batch."""
    load_seconds: float
    """To read and augment one clip on one core."""
    step_seconds: float
    """Of one update: forward, backward, optimizer."""
    test_seconds: float
    """To compute the scores of one validation video."""
    test_load_seconds: float
    """To read its views on one core."""
    memory_bytes: int
    """Peak memory of the GPU, or of this process without a GPU."""
    memory_limit: int | None
    """Memory of the GPU."""
    disk_bytes: int
    """Size of the run's folder, with one file being replaced."""
    disk_free: int
    steps: int
    """Steps of an epoch."""
    videos: int
    """Validation videos."""
    epochs: int
    workers: int
    cores: int
    shares_cores: bool
    """Whether loader and network take turns: no worker, or no GPU."""
    batch: Batch
    """The clips that were trained on."""

    @property
    def lanes(self) -> int:
        """Cores that read videos."""
        return max(1, min(self.workers, self.cores))

    @property
    def load_seconds_a_step(self) -> float:
        """Seconds until the videos of a batch are read."""
        return self.load_seconds * self.batch_size / self.lanes

    @property
    def epoch_seconds(self) -> float:
        """Seconds of an epoch with its validation."""
        train = self._together(self.load_seconds_a_step, self.step_seconds) * self.steps
        test = self._together(self.test_load_seconds / self.lanes, self.test_seconds) * self.videos
        return train + test

    def _together(self, load: float, compute: float) -> float:
        return load + compute if self.shares_cores else max(load, compute)

    @property
    def waits(self) -> str:
        """Which side waits for the other, in a sentence."""
        load, compute = self.load_seconds_a_step, self.step_seconds
        share = load / (load + compute) if self.shares_cores else 1 - compute / max(load, compute)
        if self.shares_cores:
            return f"reading videos takes {share:.0%} of a step, the network the rest"
        if load <= compute:
            return (
                f"the loader waits for the network: it could be {compute / load:.1f} times slower"
            )
        return (
            f"the network waits for videos {share:.0%} of the time: {self.lanes} cores read "
            f"{self.batch_size / load:.0f} clips/s, it could take {self.batch_size / compute:.0f}"
        )

    @property
    def fits(self) -> bool:
        """Whether the disk has room for the run."""
        return self.disk_bytes <= self.disk_free


def dry_run(
    model: nn.Module, splits: Splits, recipe: Recipe, processes: Processes, folder: Path
) -> DryRun:
    """Trains a model for a few steps on one real batch; its weights are of no use afterwards.

    Args:
        model: Fresh, or with the weights that training starts from.
        splits: The videos.
        recipe: The settings.
        processes: Only this process.
        folder: The run's future folder; need not exist.

    Raises:
        DataError: No clip of the first batch can be read.
    """
    workers, device = num_workers(recipe.data.workers, cached=splits.cached), processes.device
    source = video_batches(splits, recipe, processes, workers=0)
    batches = list(islice(timed(source.epoch(0)), 2))
    batch, _ = batches[0]
    if not len(batch.labels):
        path, reason = batch.failures[0]
        raise DataError(f"no clip of the first batch can be read; the first is {path}: {reason}")
    optimizer = make_optimizer(model.to(device).train(), recipe.train)
    if recipe.train.compile is None:  # compiling takes longer than all else here
        train = recipe.train.model_copy(update={"compile": False})
        recipe = recipe.model_copy(update={"train": train})
    step = make_step(model, optimizer, recipe, len(splits.train.classes), processes)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    losses, seconds = list[float](), list[float]()
    for number in range(_STEPS.get(device.type, 3)):
        took, totals = _timed(lambda n=number: step(batch, 0, n, source.num_batches), device)
        losses.append(float(totals[0] / totals[2]))
        seconds.append(took)
    memory, limit = _memory(device)  # before the views: scoring needs less
    test_load, test = _time_views(model, splits, recipe, device)
    return DryRun(
        batch_size=source.batch_size,
        loss=losses[0],
        load_seconds=batches[-1][1] / source.batch_size,
        step_seconds=min(seconds[1:]),
        test_seconds=test,
        test_load_seconds=test_load,
        memory_bytes=memory,
        memory_limit=limit,
        disk_bytes=_disk_bytes(model, optimizer, recipe.train),
        disk_free=shutil.disk_usage(_existing(folder)).free,
        steps=source.num_batches,
        videos=len(splits.val),
        epochs=recipe.train.epochs,
        workers=workers,
        cores=available_cores(),
        shares_cores=workers == 0 or device.type == "cpu",
        batch=batch,
    )


def _time_views(
    model: nn.Module, splits: Splits, recipe: Recipe, device: torch.device
) -> tuple[float, float]:
    """Seconds to read the views of one validation video, and to score them."""
    protocol, clip = parse_protocol(recipe.test.protocol), recipe.clip
    views = protocol_views(splits.val, protocol, clip, cache=splits.val_cache)
    began = time.perf_counter()
    views_of_video = next(
        (item.clip for item in map(views.__getitem__, range(len(views))) if item.clip is not None),
        None,
    )
    loaded = time.perf_counter() - began
    if views_of_video is None:
        raise DataError("no validation video can be read; `gta check` lists them")
    model.eval()

    def score() -> Tensor:
        return probabilities(model, views_of_video, clip, device, amp=recipe.train.amp)

    return loaded, min(_timed(score, device)[0] for _ in range(2))


def _timed(what: Callable[[], Tensor], device: torch.device) -> tuple[float, Tensor]:
    began = time.perf_counter()
    value = what()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began, value


def _memory(device: torch.device) -> tuple[int, int | None]:
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        return torch.cuda.max_memory_reserved(device), total
    try:
        import resource
    except ImportError:  # Windows
        return 0, None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024), None


def _disk_bytes(model: nn.Module, optimizer: torch.optim.Optimizer, train: Train) -> int:
    weights = sum(t.nbytes for t in model.state_dict().values())
    kept = [t for state in optimizer.state.values() for t in state.values() if torch.is_tensor(t)]
    checkpoint = weights * (1 + (train.ema > 0)) + sum(tensor.nbytes for tensor in kept)
    # last and best weights, the kept checkpoints, and the checkpoint that is being written
    return 2 * weights + (train.keep_checkpoints + 1) * checkpoint


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())
