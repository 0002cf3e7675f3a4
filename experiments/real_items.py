"""What is classified on real clips, what is held out, and what is drawn for training."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from experiments.clips import Draws
from experiments.real_clips import HEIGHT, WIDTH, RealClips
from experiments.settings import Settings

FOLDS = 5


@dataclass(frozen=True)
class Items:
    """What is classified: clips, some of them backwards."""

    clips: Tensor
    """int64 (N,), indices of clips."""
    backwards: Tensor
    """bool (N,)."""
    labels: Tensor
    """int64 (N,)."""
    folds: Tensor
    """int64 (N,)."""

    def where(self, chosen: Tensor) -> "Items":
        """Some of them."""
        return Items(
            self.clips[chosen], self.backwards[chosen], self.labels[chosen], self.folds[chosen]
        )


def make_items(clips: RealClips, *, arrow: bool, held_out: str, seed: int) -> Items:
    """The items of a task; folds have the same share of each class, and keep copies together."""
    count = len(clips.labels)
    folds = torch.zeros(count, dtype=torch.int64)
    if held_out == "split":
        folds = (~clips.is_train).long()  # fold 1 is held out, fold 0 never
    else:
        for label in range(len(clips.classes)):
            mine = torch.nonzero(clips.labels == label)[:, 0]
            order = np.random.default_rng([seed, label]).permutation(len(mine))
            folds[mine[torch.from_numpy(order)]] = torch.arange(len(mine)) % FOLDS
    index, forwards = torch.arange(count), torch.zeros(count, dtype=torch.bool)
    if not arrow:
        return Items(index, forwards, clips.labels, folds)
    return Items(
        torch.cat([index, index]),
        torch.cat([forwards, ~forwards]),
        torch.cat([clips.labels, 1 - clips.labels]),
        torch.cat([folds, folds]),
    )


def draw_items(count: int, num_frames: int, settings: Settings, rng: np.random.Generator) -> Draws:
    """All of a fold's training, on the CPU: `Draws.clips` are indices of items."""
    size = settings.steps * settings.batch_size
    order = np.concatenate([rng.permutation(count) for _ in range(-(-size // count))])[:size]
    segment = num_frames // settings.num_frames
    frames = rng.integers(segment, size=(size, settings.num_frames))
    frames += segment * np.arange(settings.num_frames)
    top = rng.integers(HEIGHT - settings.crop + 1, size=size)
    left = rng.integers(WIDTH - settings.crop + 1, size=size)
    shape = (settings.steps, settings.batch_size)
    return Draws(
        *(torch.from_numpy(a.reshape(*shape, *a.shape[1:])) for a in (order, frames, top, left))
    )
