"""Heads over EfficientNet-Lite0 on real clips: folds, and other scenes in both directions.

    python -m experiments.real_frozen VIDEOS                VIDEOS/sit-stand, VIDEOS/wagon
    python -m experiments.real_frozen VIDEOS --tasks split --heads GTA TAPE --seeds 1
    python -m experiments.real_frozen VIDEOS --trunks fine-tuned scratch --heads "no blocks" GTA
    python -m experiments.real_frozen VIDEOS --trunks "no network"
    python -m experiments.real_frozen VIDEOS --tasks scenes --heads GTA --set train.batch_size=16

On `sit-stand` the task is the arrow of time: each clip, and its reversed copy under the other
label, both in one fold. The trunk sees single frames, so the features of a reversed copy are those
of the clip in reverse. "split" trains on one part of the course's split, with its scenes and
people, and tests on the other, in both directions; "scenes" leaves out one scene of the training
part at a time, for choosing settings (`--set`) without the test clips of "split". "folds" are drawn
by clip, as in the other tables; "recordings" keep clips that look alike together. Each result is
saved at once; the same command resumes.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import nn

from experiments.frozen_page import HELD_OUT, OUT, TASKS, result_table
from experiments.page import write_page
from experiments.real_clips import list_videos, read_scenes
from experiments.real_svm import SVM, ordered_pictures, svm_validated
from gta.config import Model, Recipe
from gta.data.records import Video, VideoList
from gta.errors import VideoError
from gta.features import FrozenVideo, FrozenVideos
from gta.files import write_text
from gta.inference import protocol_views
from gta.models import GTA, NL, PE, SA, TA, lite
from gta.pretrained import load_pretrained
from gta.progress import Lines
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_recipe, with_settings
from gta.runs import build_network
from gta.training.cross_validation import assign_folds, cross_validate, together
from gta.training.features import frozen_features
from gta.training.processes import Processes
from gta.training.splits import Splits

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
TRUNKS = {
    "frozen": ("imagenet", ["train.freeze=true", "train.lr=0.001", "train.batch_size=8"]),
    "fine-tuned": ("imagenet", []),
    "scratch": ("none", ["train.lr=0.001"]),
}
"""Weights of the trunk, and its settings in `gta train`: see `gta.cli.any_network.FROZEN`."""
NO_NETWORK = "no network"
"""In place of a trunk: a support vector machine on small grey pictures."""
KEYS = ("task", "held_out", "trunk", "head", "seed", "settings")
"""The keys that identify a result."""
FOLDS = 5
CPU = Processes(torch.device("cpu"))


def recipe_of(
    head: Model, trunk: str, seed: int, features: str | None, more: Sequence[str] = ()
) -> Recipe:
    """The recipe of `gta train --model lite0_gta`, frozen or not, with another head."""
    weights, settings = TRUNKS[trunk]
    recipe = read_recipe(find_recipe("folder", "lite0_gta"))
    recipe = with_settings(recipe, [*settings, f"train.seed={seed}", *more])
    data = recipe.data.model_copy(update={"features_dir": features})
    model = head.model_copy(update={"weights": weights})
    return recipe.model_copy(update={"model": model, "data": data})


def network(recipe: Recipe, num_classes: int) -> nn.Module:
    """The untrained network."""
    torch.manual_seed(recipe.train.seed)
    model = build_network(recipe, num_classes)
    load_pretrained(model, recipe.model)
    return model


def pixels(videos: VideoList, recipe: Recipe) -> FrozenVideos:
    """The same views as those of features, as uint8 pixels, for training the trunk."""
    views = protocol_views(videos, parse_protocol(recipe.test.protocol), recipe.clip)
    videos_read = dict[int, FrozenVideo]()
    for place, video in enumerate(videos.videos):
        try:
            clips = list(views.read(video))
        except VideoError as error:
            print(f"left out: {error}")
            continue
        videos_read[place] = FrozenVideo(clips, [video.label or 0] * len(clips))
    return FrozenVideos(videos, views.shape[0], videos_read)


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


def folds_of(
    frozen: FrozenVideos,
    is_train: Sequence[bool],
    scenes: Mapping[str, str],
    held_out: str,
    seed: int,
) -> Mapping[int, int]:
    """The fold of each video; with "recordings", videos that look alike share a fold."""
    if held_out == "split":
        return {i: int(is_train[i]) for i in frozen.features}
    if held_out == "scenes":
        known = {i: scenes.get(frozen.videos.videos[i].id) for i in frozen.features if is_train[i]}
        names = sorted({name for name in known.values() if name})
        return {i: names.index(name) for i, name in known.items() if name}
    labels = frozen.labels
    groups = {i: str(i) for i in labels}
    if held_out == "recordings":
        groups, _ = together(frozen.videos, frozen, {})
    return assign_folds(groups, labels, FOLDS, seed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--heads", nargs="+", choices=list(HEADS), default=list(HEADS))
    parser.add_argument("--trunks", nargs="+", choices=[*TRUNKS, NO_NETWORK], default=["frozen"])
    parser.add_argument("--tasks", nargs="+", choices=list(HELD_OUT), default=list(HELD_OUT))
    parser.add_argument("--folders", nargs="+", default=["sit-stand", "wagon"])
    parser.add_argument("--features", help="folder of features; default: the user's cache folder")
    parser.add_argument("--results", type=Path, default=OUT)
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="settings")
    given = parser.parse_args()
    results: list[dict[str, Any]] = []
    if given.results.exists():
        results = json.loads(given.results.read_text(encoding="utf-8"))
    tasks = [(name, how) for name, how in TASKS if name in given.folders and how in given.tasks]
    for task, trunk in product(dict.fromkeys(name for name, _ in tasks), given.trunks):
        root = given.videos / task
        classes, listed = list_videos(root)
        videos, scenes = VideoList([video for video, _ in listed], classes), {}
        if (root / "labels.csv").exists():
            scenes = read_scenes(root / "labels.csv")
        arrow, heads = task == "sit-stand", [SVM] if trunk == NO_NETWORK else given.heads
        of_trunk = "frozen" if trunk == NO_NETWORK else trunk
        recipe = recipe_of(WITH_GTA, of_trunk, 0, given.features, given.settings)
        as_frozen = recipe_of(WITH_GTA, "frozen", 0, given.features)
        frozen, _ = frozen_features(
            network(as_frozen, len(classes)),
            Splits(videos, VideoList([], classes)),
            *(recipe, CPU),
            threads=1,
            report=Lines(),
        )
        seen = frozen if of_trunk == "frozen" else pixels(videos, recipe)
        items = with_reversed(seen) if arrow else seen
        labels = items.labels
        pictures = ordered_pictures(videos, arrow=arrow) if trunk == NO_NETWORK else None
        for seed, head, held_out in product(
            range(given.seeds), heads, [how for name, how in tasks if name == task]
        ):
            about = {"task": task, "held_out": held_out, "trunk": trunk, "head": head, "seed": seed}
            if given.settings:
                about["settings"] = given.settings
            if any(
                about.items() == {k: result[k] for k in result if k in KEYS}.items()
                for result in results
            ):
                continue
            began = time.monotonic()
            folds = dict(folds_of(frozen, [t for _, t in listed], scenes, held_out, seed))
            clips = len(folds)
            if arrow:
                folds |= {len(videos) + i: fold for i, fold in folds.items()}
            if pictures is not None:
                result = svm_validated(pictures, labels, folds)
            else:
                part = recipe_of(HEADS[head], trunk, seed, given.features, given.settings)
                result = cross_validate(network(part, len(classes)), part, items, folds, CPU)
            seconds = round(time.monotonic() - began, 1)
            by_fold = {name: round(top1, 4) for name, top1 in result.by_fold.items()}
            results.append(
                {**about, "top1": result.top1, "by_fold": by_fold, "clips": clips, "s": seconds}
            )
            write_text(given.results, json.dumps(results, indent=1) + "\n")
            print(f"{about}: {result.top1:.1%}, {seconds} s", flush=True)
    if given.results == OUT:
        write_page()
    print(result_table(results))


if __name__ == "__main__":
    main()
