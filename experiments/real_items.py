"""The items of tasks on real clips, and their held-out parts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from experiments.real_clips import RealClips

FOLDS = 5


@dataclass(frozen=True)
class Items:
    """The items to classify: clips, some of them reversed."""

    clips: Tensor
    """int64 (N,), indices of clips."""
    backwards: Tensor
    """bool (N,), whether reversed."""
    labels: Tensor
    """int64 (N,)."""
    folds: Tensor
    """int64 (N,), folds; items of fold -1 are only for training."""

    def where(self, chosen: Tensor) -> "Items":
        """The chosen items."""
        return Items(
            self.clips[chosen], self.backwards[chosen], self.labels[chosen], self.folds[chosen]
        )


HELD_OUT = ("folds", "split", "scenes", "folds of known scenes")
"""The held-out items: a fifth of each class at a time; the clips' own split; a scene at a time, of
clips with a known scene; a fifth of each class of those clips."""


def make_items(clips: RealClips, *, arrow: bool, held_out: str, seed: int) -> Items:
    """The items of a task; folds have the same share of each class, and keep copies together."""
    if held_out not in HELD_OUT:
        allowed = ", ".join(HELD_OUT)
        raise ValueError(f"held_out={held_out!r} is not possible; it is one of {allowed}")
    if arrow and len(clips.classes) != 2:
        raise ValueError(f"the arrow of time needs two classes, got {len(clips.classes)}")
    chosen = torch.arange(len(clips.labels))
    if held_out in ("scenes", "folds of known scenes"):
        chosen = chosen[clips.scenes >= 0]
    labels = clips.labels[chosen]
    if held_out == "split":
        folds = -clips.is_train.long()
    elif held_out == "scenes":
        folds = clips.scenes[chosen]
    else:
        folds = torch.empty_like(labels)
        for label in range(len(clips.classes)):
            mine = torch.nonzero(labels == label)[:, 0]
            order = np.random.default_rng([seed, label]).permutation(len(mine))
            folds[mine[torch.from_numpy(order)]] = torch.arange(len(mine)) % FOLDS
    forwards = torch.zeros(len(chosen), dtype=torch.bool)
    if not arrow:
        return Items(chosen, forwards, labels, folds)
    return Items(
        torch.cat([chosen, chosen]),
        torch.cat([forwards, ~forwards]),
        torch.cat([labels, 1 - labels]),
        torch.cat([folds, folds]),
    )


def each_fold(items: Items) -> Iterator[tuple[int, Items, Items]]:
    """The number, the training items and the held-out items of each fold."""
    for fold in items.folds[items.folds >= 0].unique().tolist():
        yield fold, items.where(items.folds != fold), items.where(items.folds == fold)
