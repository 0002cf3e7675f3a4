"""`ordered` in memory: the rendered clips on the GPU, and random batches of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.results import WORK
from experiments.settings import Data, Settings
from gta.data.batch import Batch
from gta.data.records import Split
from gta.data.sampling import segment_indices
from gta.ordered import render_array

_AT_ONCE = 512  # clips copied to the device


@dataclass(frozen=True)
class Clips:
    """A split on a device."""

    frames: Tensor
    """uint8 (N, T, H, W, 3)."""
    labels: Tensor
    """int64 (N,)."""

    def to(self, device: str) -> "Clips":
        """The clips on a device; unchanged if they are there already."""
        return Clips(self.frames.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Draws:
    """The random draws of S steps, for batches of B clips of F frames; int64."""

    clips: Tensor
    """(S, B), indices into the split."""
    frames: Tensor
    """(S, B, F), indices of frames."""
    top: Tensor
    """(S, B), top of the crop in pixels."""
    left: Tensor
    """(S, B), left of the crop in pixels."""

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The draws of a step."""
        return self.clips[step], self.frames[step], self.top[step], self.left[step]


@dataclass(frozen=True)
class InMemory:
    """A `gta.training.source.Source` of batches gathered from a device's memory."""

    batch: Callable[[int], Batch]
    """The batch of a step, counted from the beginning of the run."""
    num_batches: int
    """Batches of an epoch, which is a part of the run."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of a part from `start` on."""
        first = number * self.num_batches
        return map(self.batch, range(first + start, first + self.num_batches))

    def close(self) -> None:
        """Does nothing: no process reads."""


def render(data: Data, work: Path = WORK, workers: int | None = None) -> dict[str, Path]:
    """Renders both splits unless they exist; returns their files.

    "longer" is the first quarter of "val" with twice as many frames: the same scenes at twice the
    frame rate.
    """
    work.mkdir(parents=True, exist_ok=True)
    knobs = data.difficulty
    name = (
        f"{data.side}-{data.seed}-{knobs.stillness}-{knobs.reach}-{knobs.camera}-"
        f"{knobs.distractors}-{knobs.noise}"
    )
    paths = {}
    renderings: dict[str, tuple[Split, int, int]] = {
        "train": ("train", data.num_train, data.num_frames),
        "val": ("val", data.num_val, data.num_frames),
        "longer": ("val", data.num_val // 4, 2 * data.num_frames),
    }
    for part, (split, count, num_frames) in renderings.items():
        paths[part] = work / f"{split}-{count}x{num_frames}x{name}.npy"
        render_array(
            paths[part],
            count,
            split=split,
            num_frames=num_frames,
            height=data.side,
            width=data.side,
            seed=data.seed,
            difficulty=data.difficulty,
            workers=workers,
        )
    return paths


def load(path: Path, num_classes: int, device: torch.device) -> Clips:
    """A rendered split; the classes take turns."""
    mapped = np.load(path, mmap_mode="r")
    frames = torch.empty(mapped.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(mapped), _AT_ONCE):
        frames[start : start + _AT_ONCE] = torch.from_numpy(
            np.array(mapped[start : start + _AT_ONCE])
        )
    return Clips(frames, torch.arange(len(mapped), device=device) % num_classes)


def draw(data: Data, settings: Settings, seed: int, device: torch.device) -> Draws:
    """All draws of a run: a permutation per epoch, then frames and crops per sample."""
    size = settings.steps * settings.batch_size
    epochs = -(-size // data.num_train)
    order = np.concatenate(
        [
            np.random.default_rng([seed, epoch]).permutation(data.num_train)
            for epoch in range(epochs)
        ]
    )[:size]
    rng = np.random.default_rng([seed, epochs, 1])  # in the order of samples
    frames = draw_frames(size, data.num_frames, settings.num_frames, rng)
    room = data.side - settings.crop
    top, left = rng.integers(room + 1, size=(2, size))

    def steps(array: np.ndarray) -> Tensor:
        shape = (settings.steps, settings.batch_size, *array.shape[1:])
        return torch.from_numpy(array.reshape(shape)).to(device)

    return Draws(steps(order), steps(frames), steps(top), steps(left))


def draw_frames(size: int, available: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """One frame of each segment, `size` times: int64 (size, wanted)."""
    segment = available // wanted
    return rng.integers(segment, size=(size, wanted)) + segment * np.arange(wanted)


def batches(clips: Clips, draws: Draws, settings: Settings) -> InMemory:
    """The batches of a run: random frames and crops of random clips."""

    def batch(step: int) -> Batch:
        index, frames, top, left = draws.at(step)
        taken = gather(clips.frames, index, frames, top, left, settings.crop)
        return Batch(taken, clips.labels[index], index, [])

    return InMemory(batch, settings.part)


def views(
    clips: Clips,
    settings: Settings,
    size: int,
    change: Callable[[Tensor], Tensor] = lambda frames: frames,
) -> Iterator[Batch]:
    """Centre crops of clips, with the middle of each segment: uint8 (B, 1, 3, F, crop, crop).

    Args:
        clips: The split.
        settings: The number and size of frames.
        size: Clips per batch.
        change: Changes the indices (B, F) of a batch's frames, such as their order.
    """
    device, count = clips.frames.device, len(clips.frames)
    centre = torch.tensor(
        segment_indices(clips.frames.shape[1], settings.num_frames), device=device
    )
    corner = (clips.frames.shape[2] - settings.crop) // 2
    for index in torch.arange(count, device=device).split(size):
        at = torch.full_like(index, corner)
        frames = change(centre.expand(len(index), -1))
        taken = gather(clips.frames, index, frames, at, at, settings.crop)
        yield Batch(taken[:, None], clips.labels[index], index, [])


def gather(
    frames: Tensor,
    index: Tensor,
    when: Tensor,
    top: Tensor,
    left: Tensor,
    crop: int,
    mirrored: Tensor | None = None,
) -> Tensor:
    """Crops of clips (N, T, H, W, 3): uint8 (B, 3, F, crop, crop).

    Args:
        frames: Frames of all clips, uint8.
        index: Indices of the clips, (B,).
        when: Indices of their frames, (B, F).
        top: Top of the crops in pixels, (B,), or of each frame, (B, F).
        left: Left of the crops, likewise.
        crop: Side in pixels.
        mirrored: bool (B,), which crops are mirrored.
    """
    side = torch.arange(crop, device=frames.device)
    across = side if mirrored is None else torch.where(mirrored[:, None], side.flip(0), side)
    rows = top.view(len(index), -1, 1) + side
    columns = left.view(len(index), -1, 1) + across.view(-1, 1, crop)
    taken = frames[
        index[:, None, None, None],
        when[:, :, None, None],
        rows[:, :, :, None],
        columns[:, :, None, :],
    ]
    return taken.permute(0, 4, 1, 2, 3)
