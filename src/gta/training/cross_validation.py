"""Cross-validation on features of a frozen trunk, for a reliable score of few videos.

Videos of one scene, of one recording by name, or that look alike, stay in one fold.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from gta.config import Recipe
from gta.data.formats.recordings import find_recordings
from gta.data.records import VideoList
from gta.evaluation.evaluate import score_batches
from gta.evaluation.significance import wilson_interval
from gta.features import FrozenVideos
from gta.training.average import averaged_model
from gta.training.checkpoint import TrainState
from gta.training.features import FeatureBatches
from gta.training.loop import Loop
from gta.training.mixing import Mixing
from gta.training.norm import renew_statistics
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step
from gta.training.small_steps import small_steps

ALIKE = 0.97
"""Cosine of two videos' centered mean features above which they count as one recording."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """The results of all videos when they were held out."""

    right: Tensor
    """bool (N,), for the readable videos: whether the prediction was right."""
    fold_of: Tensor
    """int64 (N,), the fold in which each was held out."""

    @property
    def folds(self) -> int:
        """Number of folds."""
        return len(self.fold_of.unique())

    @property
    def by_fold(self) -> dict[int, float]:
        """The accuracy of each fold, 0 to 1."""
        of = {fold: self.right[self.fold_of == fold] for fold in self.fold_of.unique().tolist()}
        return {fold: right.double().mean().item() for fold, right in of.items()}

    @property
    def top1(self) -> float:
        """Accuracy, 0 to 1."""
        return self.right.double().mean().item()

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson)."""
        return wilson_interval(int(self.right.sum()), len(self.right))


def together(
    videos: VideoList, frozen: FrozenVideos, scenes: Mapping[str, str]
) -> tuple[dict[int, str], str]:
    """The group of each readable video, and the source of the groups in words."""
    places = sorted(frozen.features)
    if scenes:
        known = {i: scenes.get(videos.videos[i].id, f"\0{i}") for i in places}
        return known, "scenes of the file"
    groups = {i: f"\0{i}" for i in places}
    recordings = find_recordings([(v.id, v.label) for v in videos.videos])
    by_name = sum(recordings[i] is not None for i in places)
    for i in places:
        recording = recordings[i]
        if recording is not None:
            groups[i] = recording.key
    alike = _alike(
        torch.stack([frozen.features[i].views[0].float().mean(1).flatten() for i in places])
    )
    for a, b in alike:
        old, new = groups[places[b]], groups[places[a]]
        groups = {i: new if group == old else group for i, group in groups.items()}
    ways = (f"{by_name} by name" if by_name else "", f"{len(alike)} pairs by picture")
    return groups, "recordings: " + ", ".join(way for way in ways if way)


def _alike(features: Tensor) -> list[tuple[int, int]]:
    centered = features - features.mean(0)
    unit = centered / centered.norm(dim=1, keepdim=True).clamp(min=1e-6)
    near = torch.triu(unit @ unit.T > ALIKE, diagonal=1)
    return [(int(a), int(b)) for a, b in near.nonzero()]


def assign_folds(
    groups: Mapping[int, str], labels: Mapping[int, int], folds: int, seed: int
) -> dict[int, int]:
    """The fold of each video: a group is in one fold, classes and sizes are as even as possible."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, group in groups.items():
        members[group].append(place)
    names = [sorted(members)[i] for i in np.random.default_rng(seed).permutation(len(members))]
    counts = [Counter[int]() for _ in range(folds)]
    fold_of = dict[int, int]()
    for name in sorted(names, key=lambda name: -len(members[name])):
        mine = Counter(labels[place] for place in members[name])
        fold = min(
            range(folds),
            key=lambda f: (
                sum(counts[f][label] * n for label, n in mine.items()),
                counts[f].total(),
            ),
        )
        counts[fold] += mine
        fold_of |= dict.fromkeys(members[name], fold)
    return fold_of


def cross_validate(
    model: nn.Module,
    recipe: Recipe,
    frozen: FrozenVideos,
    folds: Mapping[int, int],
    processes: Processes,
    *,
    advance: Callable[[int, str], None] = lambda done, note: None,
) -> CrossValidated:
    """For each fold, trains the head (on pixels: the network) on the other folds and scores it.

    Args:
        model: An untrained model; a copy is trained for each fold.
        recipe: The settings.
        frozen: Features of all videos.
        folds: The fold of each of them.
        processes: This process.
        advance: Called with the number of finished folds.
    """
    right = dict[int, bool]()
    for done, fold in enumerate(sorted(set(folds.values())), start=1):
        training, test = parts(frozen, folds, fold)
        trained = train_copy(model, recipe, training, processes)
        right |= right_ones(trained, recipe, test, processes)
        advance(done, "")
    places = sorted(right)
    return CrossValidated(
        torch.tensor([right[i] for i in places]), torch.tensor([folds[i] for i in places])
    )


def parts(
    frozen: FrozenVideos, folds: Mapping[int, int], fold: int
) -> tuple[FrozenVideos, FrozenVideos]:
    """The videos of all other folds, with all their views, and those of a fold, as in testing."""
    training = {i: frozen.features[i] for i in folds if folds[i] != fold}
    test = {i: frozen.features[i].first(frozen.num_test) for i in folds if folds[i] == fold}
    return replace(frozen, features=training), replace(frozen, features=test)


def train_copy(
    model: nn.Module,
    recipe: Recipe,
    frozen: FrozenVideos,
    processes: Processes,
    *,
    mixing: Mixing | None = None,
) -> nn.Module:
    """A copy of an untrained model, trained on those videos; what `gta train` would score of it.

    Args:
        model: The model.
        recipe: The settings.
        frozen: The videos.
        processes: This process.
        mixing: In place of the recipe's own; it also makes targets of labels.
    """
    trained = copy.deepcopy(model).train()
    source = FeatureBatches(frozen, recipe, processes)
    optimizer = make_optimizer(trained, recipe.train)
    averaged = averaged_model(trained, recipe.train.ema)
    step = make_step(
        *(trained, optimizer, recipe, len(frozen.videos.classes), processes), averaged=averaged
    )
    step.mixing = mixing or step.mixing
    position = TrainState(data="")
    with closing(step), small_steps(step, trained, processes):
        Loop(step, source, position, processes, epochs=recipe.train.epochs).run()
    scored = trained if averaged is None else averaged.module
    if recipe.train.precise_bn:
        renew_statistics(scored, source.epoch(recipe.train.epochs - 1), recipe, processes)
    return scored


def right_ones(
    model: nn.Module, recipe: Recipe, frozen: FrozenVideos, processes: Processes
) -> dict[int, bool]:
    """Whether the prediction of each video is right."""
    batches = frozen.batches(recipe.test.batch_size)
    scores, _ = score_batches(model, batches, recipe.clip, device=processes.device)
    return {i: int(one.argmax()) == frozen.videos.videos[i].label for i, one in scores}
