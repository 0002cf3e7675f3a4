"""Baselines without networks: an SVM on small grey frames, with and without their order.

An RBF kernel on the 32 frames of a clip, 32 x 24 pixels, grey: stacked in order, or as the mean,
the standard deviation and the sorted values of each pixel, which do not change if the clip is
reversed.
"""

import time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.real_clips import RealClips, grey
from experiments.real_items import Items, each_fold, make_items
from experiments.real_runs import real_figures
from experiments.results import Result
from experiments.sizes import what_with

BASELINES = ("SVM, frames in order", "SVM, frames without order")
_SMALL = (24, 32)
"""Height and width in pixels."""


def shrink(clips: RealClips) -> Tensor:
    """float32 (N, T, pixels), grey."""
    return torch.stack([small_grey(one) for one in clips.frames])


def small_grey(frames: Tensor) -> Tensor:
    """uint8 (T, H, W, 3) to float32 (T, pixels)."""
    return F.interpolate(grey(frames)[None], _SMALL, mode="area")[0].flatten(1)


def features(small: Tensor, items: Items, *, ordered: bool) -> Tensor:
    """float32 (N, features) of the items, from the result of `shrink`."""
    small = small[items.clips]
    if ordered:
        return torch.where(items.backwards[:, None, None], small.flip(1), small).flatten(1)
    # sorted first, so that sums have the same order for reversed clips
    ascending = small.sort(dim=1).values
    mean, std = ascending.mean(1, keepdim=True), ascending.std(1, keepdim=True)
    return torch.cat([mean, std, ascending], dim=1).flatten(1)


def identity(baseline: str, task: str, held_out: str, seed: int, *, arrow: bool) -> dict[str, Any]:
    """Everything on which the result depends."""
    return {
        **{"baseline": baseline, "task": task, "arrow": arrow},
        **{"held_out": held_out, "seed": seed},
    }


def run_baseline(run: dict[str, Any], clips: RealClips) -> Result:
    """The record of the run with that `identity`."""
    from sklearn.svm import SVC  # pip install scikit-learn

    began = time.monotonic()
    items = make_items(clips, arrow=run["arrow"], held_out=run["held_out"], seed=run["seed"])
    labels, answers = list[Tensor](), list[Tensor]()
    small, ordered = shrink(clips), run["baseline"] == BASELINES[0]
    for _, training, held in each_fold(items):
        machine = SVC().fit(features(small, training, ordered=ordered), training.labels)
        said = machine.predict(features(small, held, ordered=ordered))
        answers.append(torch.from_numpy(said))
        labels.append(held.labels)
    elapsed = round(time.monotonic() - began, 1)
    about = {**what_with(torch.device("cpu")), "elapsed": elapsed}
    return {"run": run, **about, **real_figures(labels, answers, len(clips.classes))}
