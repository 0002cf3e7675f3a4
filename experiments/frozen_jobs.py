"""A head over EfficientNet-Lite0 on real clips: trained and tested on each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from experiments.logs import Say
from experiments.results import Result
from experiments.settings import Settings
from experiments.workers import Runner
from gta.cli import any_network
from gta.config import Model, Recipe
from gta.data.records import Video, VideoList
from gta.features import FrozenVideo, FrozenVideos
from gta.models import GTA, NL, PE, SA, TA, lite
from gta.pretrained import load_pretrained
from gta.recipes import find_recipe, read_recipe, with_settings
from gta.runs import build_network
from gta.training.cross_validation import CrossValidated, cross_validate
from gta.training.processes import Processes

WITH_GTA = lite(0, SA, GTA)
THREE_HEADS = WITH_GTA.model_copy(update={"bottleneck": 128, "heads": 3})
"""What `gta train --model lite0_gta --freeze` has: see `gta.cli.any_network.HEAD`."""
HEADS: dict[str, Model] = {
    "no blocks": lite(0),
    "NL": lite(0, NL),
    "DNL": lite(0, SA, TA),
    "TAPE": lite(0, SA, PE),
    "GTA": WITH_GTA,
    "GTA, not normalised": WITH_GTA.model_copy(update={"normalize": "none"}),
    "GTA, less the mean over time": WITH_GTA.model_copy(update={"normalize": "time"}),
    "GTA, with statistics": WITH_GTA.model_copy(update={"statistics": True}),
    "GTA, bottleneck": WITH_GTA.model_copy(update={"bottleneck": 128}),
    "GTA, bottleneck, 3 heads": THREE_HEADS,
    "GTA, bottleneck, 3 heads, with statistics": THREE_HEADS.model_copy(
        update={"statistics": True}
    ),
    "frames in order": lite(0).model_copy(update={"reader": "order"}),
    "GRU": lite(0).model_copy(update={"reader": "gru"}),
    "mixing of frames": lite(0).model_copy(update={"reader": "mixing"}),
}
FROZEN, LARGER, NO_NETWORK = "frozen", "frozen Lite2", "no network"
"""The last in place of a trunk: a support vector machine on small grey pictures."""
TRUNKS = {
    FROZEN: ("lite0", "imagenet", any_network.FROZEN),
    LARGER: ("lite2", "imagenet", any_network.FROZEN),
    "fine-tuned": ("lite0", "imagenet", ()),
    "scratch": ("lite0", "none", ("train.lr=0.001",)),
}
"""Network, weights and settings in `gta train`."""
ROUNDS = {"split": 1, "folds": 4, "recordings": 4, "scenes": 3}
"""By kind of held-out part: how often an epoch of all folds trains on each clip, about."""
_CLIPS = 160
"""In a task, about."""


def recipe_of(
    head: Model, trunk: str, seed: int, features: str | None, more: Sequence[str] = ()
) -> Recipe:
    """The recipe of `gta train --model lite0_gta` or `lite2_gta`, with another head."""
    name, weights, settings = TRUNKS[trunk]
    recipe = read_recipe(find_recipe("folder", f"{name}_gta"))
    data = recipe.data.model_copy(update={"features_dir": features})
    model = head.model_copy(update={"weights": weights, "network": name})
    recipe = recipe.model_copy(update={"model": model, "data": data})
    return with_settings(recipe, [*settings, f"train.seed={seed}", *more])


def network(recipe: Recipe, num_classes: int) -> nn.Module:
    """The untrained network."""
    torch.manual_seed(recipe.train.seed)
    model = build_network(recipe, num_classes)
    load_pretrained(model, recipe.model)
    return model


@dataclass(frozen=True)
class HeadJob:
    """A head over a trunk on a task, with all of its folds."""

    task: str
    """The folder of clips."""
    held_out: str
    """A key of `frozen_page.HELD_OUT`."""
    trunk: str
    """A key of `TRUNKS`."""
    head: str
    """A key of `HEADS`."""
    seed: int
    changes: tuple[str, ...] = ()
    """Settings of the recipe in place of its own."""

    @property
    def model(self) -> Model:
        return HEADS[self.head]

    @property
    def settings(self) -> Settings:
        """What the cost of a clip depends on."""
        clip = self.recipe().clip
        return Settings(num_frames=clip.num_frames, crop=clip.size)

    @property
    def num_clips(self) -> int:
        """The approximate number of clips trained on in all folds."""
        return _CLIPS * ROUNDS[self.held_out] * self.recipe().train.epochs

    def recipe(self) -> Recipe:
        """The recipe for `gta train`."""
        return recipe_of(self.model, self.trunk, self.seed, None, self.changes)

    def identity(self) -> dict[str, Any]:
        """Everything on which the result depends."""
        about = {
            "task": self.task,
            "held_out": self.held_out,
            "trunk": self.trunk,
            "head": self.head,
            "seed": self.seed,
        }
        return {**about, "settings": list(self.changes)} if self.changes else about


@dataclass(frozen=True)
class Seen:
    """What networks see of a task's readable videos, in one tensor, so that processes share it."""

    videos: VideoList
    places: list[int]
    """Of the videos in the list."""
    views: Tensor
    """(N, V, C, T, H, W) pixels or features, V views of each."""
    labels: list[list[int]]
    num_test: int
    arrow: bool
    """Whether each video is also taken backwards, under the other label of two."""

    @classmethod
    def of(cls, frozen: FrozenVideos, *, arrow: bool) -> "Seen":
        places = sorted(frozen.features)
        read = [frozen.features[i] for i in places]
        views = torch.stack([torch.stack(video.views) for video in read])
        labels = [video.labels for video in read]
        return cls(frozen.videos, places, views, labels, frozen.num_test, arrow)

    def items(self) -> FrozenVideos:
        """The videos, and with `arrow` their reversed copies."""
        each = zip(self.places, self.views, self.labels, strict=True)
        features = {i: FrozenVideo(list(views), labels) for i, views, labels in each}
        frozen = FrozenVideos(self.videos, self.num_test, features)
        return with_reversed(frozen) if self.arrow else frozen


def with_reversed(frozen: FrozenVideos) -> FrozenVideos:
    """The videos, followed by their reversed copies under the other label of two."""
    videos, count = frozen.videos, len(frozen.videos)
    back = [Video(f"{v.id} backwards", v.path, 1 - (v.label or 0)) for v in videos.videos]
    reversed_copies = {
        count + i: FrozenVideo(
            [v.flip(1) for v in video.views], [1 - label for label in video.labels]
        )
        for i, video in frozen.features.items()
    }
    every = VideoList([*videos.videos, *back], videos.classes)
    return FrozenVideos(every, frozen.num_test, frozen.features | reversed_copies)


Folds = Mapping[int, int]
"""The fold of each video by its place."""


def folds_with_reversed(folds: Folds, count: int) -> Folds:
    """The folds of videos and of their copies in `with_reversed`; a copy is where its video is.

    Args:
        folds: Of videos.
        count: All videos, those that cannot be read included.
    """
    return {**folds, **{count + i: fold for i, fold in folds.items()}}


def figures_of(result: CrossValidated, clips: int) -> Result:
    """The figures of a record."""
    by_fold = {str(fold): round(top1, 4) for fold, top1 in result.by_fold.items()}
    return {"top1": result.top1, "by_fold": by_fold, "clips": clips}


@dataclass(frozen=True)
class Tasks:
    """All that jobs need."""

    seen: Mapping[tuple[str, str], Seen]
    """By task and trunk."""
    folds: Mapping[tuple[str, str, int], Folds]
    """By task, held-out part and seed; reversed copies are not in them."""

    def of(self, job: HeadJob) -> tuple[Seen, Folds]:
        """What a job sees, and the fold of each video and of its reversed copy."""
        seen = self.seen[job.task, job.trunk]
        folds = self.folds[job.task, job.held_out, job.seed]
        return seen, folds_with_reversed(folds, len(seen.videos)) if seen.arrow else folds

    def figures(self, job: HeadJob, result: CrossValidated) -> Result:
        """The figures of a job's record."""
        return figures_of(result, len(self.folds[job.task, job.held_out, job.seed]))


def runner(tasks: Tasks, device: torch.device) -> Runner:
    """The runner of a training process."""
    torch.backends.cudnn.benchmark = False  # as `gta train`; a fold has few steps of each shape
    items = cache(lambda task, trunk: tasks.seen[task, trunk].items())

    def run(job: HeadJob, say: Say) -> Result:
        seen, folds = tasks.of(job)
        recipe, classes = job.recipe(), len(seen.videos.classes)
        result = cross_validate(
            network(recipe, classes).to(device),
            *(recipe, items(job.task, job.trunk), folds, Processes(device)),
            advance=lambda done, _: say(f"{done} folds"),
        )
        return tasks.figures(job, result)

    return run
