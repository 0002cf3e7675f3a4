"""Batches of real clips: crops for training, possibly augmented, and centre crops for scoring."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from experiments.clips import Draws, InMemory, draw_frames, gather
from experiments.real_clips import HEIGHT, WIDTH
from experiments.real_items import Items
from experiments.settings import Settings
from gta.data.batch import Batch
from gta.data.sampling import segment_indices

AUGMENTATIONS = ("none", "negatives", "pan")
"""Augmentations of training clips: none; half of them are inverted; the crop moves during the clip,
as if the camera did."""


def draw_items(count: int, num_frames: int, settings: Settings, rng: np.random.Generator) -> Draws:
    """All draws of a fold, on the CPU: `Draws.clips` are indices of items."""
    size = settings.steps * settings.batch_size
    order = np.concatenate([rng.permutation(count) for _ in range(-(-size // count))])[:size]
    frames = draw_frames(size, num_frames, settings.num_frames, rng)
    top, left = _corners(size, settings.crop, rng)
    shape = (settings.steps, settings.batch_size)
    return Draws(
        *(torch.from_numpy(a.reshape(*shape, *a.shape[1:])) for a in (order, frames, top, left))
    )


def _corners(size: int, crop: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Top and left (size,) of random crops."""
    return rng.integers(HEIGHT - crop + 1, size=size), rng.integers(WIDTH - crop + 1, size=size)


def batches(
    frames: Tensor,
    items: Items,
    settings: Settings,
    rng: np.random.Generator,
    augment: str = "none",
) -> InMemory:
    """Batches of random items.

    Args:
        frames: Frames of all clips, uint8 (N, T, H, W, 3), on the device of the training.
        items: The training items.
        settings: The settings of the training.
        rng: The fold's generator of all draws.
        augment: A name of `AUGMENTATIONS`.
    """
    if augment not in AUGMENTATIONS:
        allowed = ", ".join(AUGMENTATIONS)
        raise ValueError(f"augment={augment!r} is not possible; it is one of {allowed}")
    draws = draw_items(len(items.labels), frames.shape[1], settings, rng)
    chosen = draws.clips
    mirrored = torch.from_numpy(rng.random(tuple(chosen.shape)) < 0.5)
    taken = torch.where(items.backwards[chosen][..., None], draws.frames.flip(-1), draws.frames)
    negative = torch.from_numpy(rng.random(tuple(chosen.shape)) < 0.5)
    top, left = draws.top, draws.left
    if augment == "pan":
        shape, size = chosen.shape, chosen.numel()
        ends = (
            torch.from_numpy(corner).view(shape) for corner in _corners(size, settings.crop, rng)
        )
        top, left = (
            _between(first, last, settings.num_frames)
            for first, last in zip((top, left), ends, strict=True)
        )
    parts = [
        part.to(frames.device)
        for part in (
            items.clips[chosen],
            taken,
            top,
            left,
            items.labels[chosen],
            mirrored,
            negative,
        )
    ]

    def batch(step: int) -> Batch:
        index, when, top, left, labels, mirrored, negative = (part[step] for part in parts)
        clips = gather(frames, index, when, top, left, settings.crop, mirrored)
        if augment == "negatives":
            clips = torch.where(negative[:, None, None, None, None], 255 - clips, clips)
        return Batch(clips, labels, index, [])

    return InMemory(batch, settings.part)


def views(frames: Tensor, items: Items, settings: Settings, size: int) -> Iterator[Batch]:
    """Centre crops of items, with the middle of each segment: uint8 (B, 1, 3, F, crop, crop).

    Args:
        frames: Frames of all clips, uint8 (N, T, H, W, 3), on the device of the network.
        items: The items to score.
        settings: The number and size of frames.
        size: Items per batch.
    """
    centre = torch.tensor(segment_indices(frames.shape[1], settings.num_frames))
    device, crop = frames.device, settings.crop
    for chosen in torch.arange(len(items.labels)).split(size):
        when = torch.where(items.backwards[chosen][:, None], centre.flip(0), centre).to(device)
        index = items.clips[chosen].to(device)
        top, left = (torch.full_like(index, (side - crop) // 2) for side in (HEIGHT, WIDTH))
        clips = gather(frames, index, when, top, left, crop)
        yield Batch(clips[:, None], items.labels[chosen], chosen, [])


def _between(first: Tensor, last: Tensor, count: int) -> Tensor:
    """Evenly spaced numbers from `first` to `last` (S, B), rounded: (S, B, count)."""
    way = torch.linspace(0, 1, count)
    return (first[..., None] + (last - first)[..., None] * way).round().long()
