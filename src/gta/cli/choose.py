"""`gta train --data folder --root DIR` without a model: looks at the videos, chooses, and says why.

Where weights are installed, that is a head with GTA over a frozen EfficientNet-Lite2, or else
Lite0, whose features are quicker and carry over less well (docs/results.md). Whether the classifier
also gets raw statistics is chosen by cross-validation, which also gives the accuracy an
interval; since they carry over less well to other places, they must be better by a standard error.
Of a folder with its own split, only the training part is used.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch

from gta.backbones import TrunkNetwork
from gta.backbones.installed_weights import EXTRA, is_installed
from gta.cli.any_network import changed_recipe
from gta.cli.console import Terminal
from gta.config import Recipe
from gta.cores import available_cores
from gta.data.decode import count_frames
from gta.data.formats.folder_layout import look_at
from gta.data.formats.scenes import read_scenes
from gta.data.loader import num_workers
from gta.data.records import VideoList
from gta.data.storage.locations import absolute
from gta.data.videos import list_videos
from gta.devices import find_device
from gta.errors import VideoError
from gta.pretrained import load_pretrained
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training.cross_validation import (
    CrossValidated,
    assign_folds,
    cross_validate,
    together,
)
from gta.training.features import frozen_features
from gta.training.processes import Processes
from gta.training.splits import Splits

NETWORKS = ("lite2", "lite0")
"""Frozen trunks, the better ones first."""
WITHOUT = "tiny_gta"
FOLDS = 5
HEADS = {"features normalized over each clip": False, "with their raw statistics beside": True}
"""Whether `model.statistics`: good for classes that are states, bad for other places, so last."""
_LOOKED_AT = 12
"""How many videos are opened to learn their length."""
_VIEW_SECONDS, _STEP_SECONDS = 0.15, 0.006
"""For the features of a view, and for a clip in a step of the head; one CPU core."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model's name, and the settings that differ from its recipe."""

    model: str
    freeze: bool
    settings: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def choose_model(
    root: str, settings: Sequence[str], *, minutes: float, device: str, dry: bool = False
) -> Chosen:
    """The model and settings for the videos of a folder.

    Args:
        root: The folder.
        settings: Settings from the command line.
        minutes: How long choosing and training may take.
        device: As `--device` takes it.
        dry: Without cross-validation.

    Raises:
        DataError: The folder does not hold a folder per class.
    """
    terminal = Terminal()
    installed = [network for network in NETWORKS if is_installed(network)]
    model = f"{(installed or NETWORKS)[0]}_gta"
    recipe = changed_recipe(read_recipe(find_recipe("folder", model)), None, settings, freeze=True)
    source = recipe.data.model_copy(update={"root": absolute(root)})
    recipe = recipe.model_copy(update={"data": source})
    train, val = list_videos(source, "train"), list_videos(source, "val")
    where = find_device(device)
    terminal.say(facts(train, val, where.type))
    if find_spec("timm") is None or not installed:
        terminal.say(
            f"Taken: {WITHOUT}, from scratch. With ImageNet weights of an installed package it "
            f"would be {model}, which learns from far fewer videos: {EXTRA}"
        )
        return Chosen(WITHOUT, False)
    own_split = look_at(Path(root).expanduser()).own_split
    every = train if own_split else VideoList([*train.videos, *val.videos], train.classes)
    budget = 60 * minutes - seconds_of_features(recipe, len(train) + len(val), where.type)
    each = seconds_of_heads(recipe, len(every), where.type)
    heads = dict(list(HEADS.items())[: max(0, int(budget / each) - 1)])
    reason = f"{len(every)} videos are few, and a trunk that knows ImageNet has seen more"
    if dry or not heads:
        why = "" if dry else f"; {minutes:g} minutes leave no time for cross-validation"
        terminal.say(f"Taken: {model} --freeze: {reason}{why}")
        return Chosen(model, True)
    best, figures = validated(recipe, every, heads, where, terminal)
    terminal.say(f"Taken: {model} --freeze, {best}: {reason}")
    chosen = [f"model.statistics={str(HEADS[best]).lower()}"]
    chosen += [] if source.scenes or own_split or source.keep_groups else ["data.keep_groups=true"]
    return Chosen(model, True, chosen, figures)


def facts(train: VideoList, val: VideoList, device: str) -> str:
    """The folder's videos, classes and lengths, in a line."""
    videos = [*train.videos, *val.videos]
    counts = Counter(video.label for video in videos).values()
    lengths = list[int]()
    for video in videos[:: max(1, len(videos) // _LOOKED_AT)]:
        try:
            lengths.append(count_frames(video.path))
        except VideoError:
            continue
    frames = f"about {median(lengths):.0f} frames each, " if lengths else ""
    return (
        f"{len(videos)} videos of {len(train.classes)} classes, {min(counts)} to {max(counts)} of "
        f"a class, {frames}on {'a GPU' if device == 'cuda' else f'{available_cores()} CPU cores'}"
    )


def seconds_of_features(recipe: Recipe, videos: int, device: str) -> float:
    """An estimate; on a GPU, decoding takes the time."""
    views = parse_protocol(recipe.test.protocol).num_views + recipe.augment.views - 1
    return videos * views * _VIEW_SECONDS / available_cores() / (3 if device == "cuda" else 1)


def seconds_of_heads(recipe: Recipe, videos: int, device: str) -> float:
    """An estimate, for one head in all folds."""
    clips = videos * recipe.train.epochs * (FOLDS - 1)
    return clips * _STEP_SECONDS / (5 if device == "cuda" else 1)


def validated(
    recipe: Recipe,
    videos: VideoList,
    heads: dict[str, bool],
    device: torch.device,
    terminal: Terminal,
) -> tuple[str, dict[str, Any]]:
    """The best of the heads, and the results of all."""
    processes = Processes(device)
    scenes = read_scenes(recipe.data.scenes) if recipe.data.scenes else {}
    torch.manual_seed(recipe.train.seed)
    model = build_network(recipe, len(videos.classes)).to(device)
    assert isinstance(model, TrunkNetwork)
    load_pretrained(model, recipe.model)
    none = VideoList([], videos.classes)
    frozen, _ = frozen_features(
        *(model, Splits(videos, none), recipe, processes),
        threads=num_workers(recipe.data.workers),
        report=terminal,
    )
    labels = frozen.labels
    groups, how = together(videos, frozen, scenes)
    folds = assign_folds(groups, labels, min(FOLDS, len(set(groups.values()))), 0)
    results = dict[str, CrossValidated]()
    for name, statistics in heads.items():
        part = recipe.model_copy(
            update={"model": recipe.model.model_copy(update={"statistics": statistics})}
        )
        torch.manual_seed(recipe.train.seed)
        fresh = build_network(part, len(videos.classes)).to(device)
        assert isinstance(fresh, TrunkNetwork)
        with terminal.track("cross-validation", len(set(folds.values()))) as advance:
            results[name] = cross_validate(
                *(fresh, part, frozen, folds, processes), advance=advance
            )
        terminal.say(line(name, results[name], Counter(labels.values())))
    best = first_of_the_best(results)
    terminal.say(
        f"folds keep together: {how} ({len(set(groups.values()))} groups of {len(groups)} videos)"
    )
    figures = {
        name: {"top1": result.top1, "interval": result.interval, "videos": len(result.right)}
        for name, result in results.items()
    }
    return best, {"folds": results[best].folds, "together": how, "heads": figures}


def first_of_the_best(results: Mapping[str, CrossValidated]) -> str:
    """The first head that no later one is better than by a standard error of their difference.

    The one-standard-error rule of Breiman et al., "Classification and Regression Trees" (1984): of
    what cannot be told apart, that which takes less from the videos.
    """
    best, *others = results
    for name in others:
        ahead = results[name].right.int() - results[best].right.int()
        if ahead.sum() > ahead.abs().sum().sqrt():  # over videos that only one head has right
            best = name
    return best


def line(name: str, result: CrossValidated, counts: Counter[int]) -> str:
    """The accuracy of a head, with its interval and the accuracy of guessing."""
    low, high = result.interval
    guess = max(counts.values()) / counts.total()
    sure = "more than guessing" if low > guess else "not significantly more than guessing"
    return (
        f"cross-validated in {result.folds} folds, {name}: {result.top1:.1%} of "
        f"{len(result.right)} videos (95 % interval {100 * low:.0f} to {100 * high:.0f}), "
        f"{sure} ({guess:.0%})"
    )
