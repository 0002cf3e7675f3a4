"""Heads over EfficientNet-Lite on real clips: folds, and other scenes in both directions.

    python -m experiments.real_frozen VIDEOS                VIDEOS/sit-stand, VIDEOS/wagon
    python -m experiments.real_frozen VIDEOS --tasks split --heads GTA TAPE --seeds 1
    python -m experiments.real_frozen VIDEOS --trunks "frozen Lite2" --tasks split
    python -m experiments.real_frozen VIDEOS --trunks fine-tuned scratch --heads GTA --device cuda
    python -m experiments.real_frozen VIDEOS --trunks "no network"
    python -m experiments.real_frozen VIDEOS --tasks scenes --heads GTA --set train.batch_size=16

On `sit-stand` the task is the arrow of time: each clip, and its reversed copy under the other
label, both in one fold. The trunk sees single frames, so the features of a reversed copy are those
of the clip in reverse. "split" trains on one part of the course's split, with its scenes and
people, and tests on the other, in both directions; "scenes" leaves out one scene of the training
part at a time, for choosing settings (`--set`) without the test clips of "split". "folds" are drawn
by clip, as in the other tables; "recordings" keep clips that look alike together. Tasks are run in
the order in which they are given, each seed by seed. Each result is saved at once; the same command
resumes.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

from experiments.command import common_arguments, device_names, limits_left
from experiments.frozen_jobs import (
    FROZEN,
    HEADS,
    LARGER,
    NO_NETWORK,
    TRUNKS,
    WITH_GTA,
    HeadJob,
    Seen,
    Tasks,
    network,
    recipe_of,
    runner,
)
from experiments.frozen_page import ARROW, BLIND, HELD_OUT, OUT, TASKS, result_table
from experiments.page import write_page
from experiments.real_clips import list_videos, read_scenes
from experiments.real_svm import SVM, ordered_pictures, svm_validated
from experiments.results import Result
from experiments.sizes import what_with
from experiments.workers import run_jobs
from gta.config import Recipe
from gta.cores import available_cores
from gta.data.ahead import ahead
from gta.data.records import VideoList
from gta.errors import UsageError
from gta.features import FrozenVideo, FrozenVideos
from gta.files import write_text
from gta.inference import protocol_views
from gta.progress import Lines
from gta.protocols import parse_protocol
from gta.training.cross_validation import assign_folds, together
from gta.training.features import frozen_features
from gta.training.processes import Processes
from gta.training.splits import Splits

KEYS = ("task", "held_out", "trunk", "head", "seed", "settings")
"""The keys that identify a result."""
FOLDS = 5


def pixels(videos: VideoList, recipe: Recipe) -> FrozenVideos:
    """The same views as those of features, as uint8 pixels, for training the trunk."""
    views = protocol_views(videos, parse_protocol(recipe.test.protocol), recipe.clip)
    videos_read, threads = dict[int, FrozenVideo](), available_cores()
    places = range(len(videos))
    read = ahead(
        lambda i: list(views.read(videos.videos[i])), places, threads=threads, most=2 * threads
    )
    for place, clips in read:
        if isinstance(clips, UsageError):
            print(f"left out: {clips}")
        else:
            label = videos.videos[place].label or 0
            videos_read[place] = FrozenVideo(clips, [label] * len(clips))
    return FrozenVideos(videos, views.shape[0], videos_read)


def features(videos: VideoList, recipe: Recipe, device: torch.device) -> FrozenVideos:
    """The features of a recipe's trunk."""
    frozen, _ = frozen_features(
        network(recipe, len(videos.classes)).to(device),  # pyright: ignore[reportArgumentType]
        *(Splits(videos, VideoList([], videos.classes)), recipe, Processes(device)),
        threads=available_cores(),
        report=Lines(),
    )
    return frozen


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


def arguments() -> argparse.ArgumentParser:
    parser = common_arguments(__doc__, OUT)
    parser.set_defaults(device="cpu", jobs=1)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--heads", nargs="+", choices=list(HEADS), default=list(HEADS))
    parser.add_argument("--trunks", nargs="+", choices=[*TRUNKS, NO_NETWORK], default=[FROZEN])
    parser.add_argument("--tasks", nargs="+", choices=list(HELD_OUT), default=list(HELD_OUT))
    parser.add_argument("--folders", nargs="+", default=[ARROW, "wagon"])
    parser.add_argument("--features", help="folder of features; default: the user's cache folder")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="settings")
    return parser


def all_jobs(given: argparse.Namespace) -> list[HeadJob]:
    """Jobs by task and seed, without those whose result is known by construction."""
    return [
        HeadJob(folder, held_out, trunk, head, seed, tuple(given.settings))
        for held_out, seed, folder in product(given.tasks, range(given.seeds), given.folders)
        for trunk in given.trunks
        for head in ([SVM] if trunk == NO_NETWORK else given.heads)
        if (folder, held_out) in TASKS and not (folder == ARROW and head in BLIND)
    ]


def known(about: Mapping[str, Any], results: Sequence[Result]) -> bool:
    """Whether there is a result of it."""
    return any(about == {k: result[k] for k in KEYS if k in result} for result in results)


def read_tasks(jobs: Sequence[HeadJob], given: argparse.Namespace, device: torch.device) -> Tasks:
    """The videos of those jobs, as pixels or as features."""
    seen, folds = dict[tuple[str, str], Seen](), dict[tuple[str, str, int], Mapping[int, int]]()
    for folder in dict.fromkeys(job.task for job in jobs):
        root, mine = given.videos / folder, [job for job in jobs if job.task == folder]
        classes, listed = list_videos(root)
        videos = VideoList([video for video, _ in listed], classes)
        scenes, arrow = read_scenes(root / "labels.csv"), folder == ARROW
        trunks = dict.fromkeys(job.trunk for job in mine)
        read = dict[str, FrozenVideos]()
        alike = any(job.held_out == "recordings" for job in mine)
        for trunk in (FROZEN, LARGER):
            if trunk in trunks or (trunk == FROZEN and alike):
                # their own settings, if only to see what looks alike, which is always Lite0's
                settings = given.settings if trunk in trunks else ()
                recipe = recipe_of(WITH_GTA, trunk, 0, given.features, settings)
                read[trunk] = features(videos, recipe, device)
        if learn := set(trunks) - {FROZEN, LARGER}:
            learning = recipe_of(WITH_GTA, "scratch", 0, None, given.settings)
            read |= dict.fromkeys(learn, pixels(videos, learning))
        stacked = {id(each): Seen.of(each, arrow=arrow) for each in read.values()}
        seen |= {(folder, trunk): stacked[id(read[trunk])] for trunk in trunks}
        is_train = [train for _, train in listed]
        for held_out, seed in {(job.held_out, job.seed) for job in mine}:
            of = read.get(FROZEN) or next(iter(read.values()))
            folds[folder, held_out, seed] = folds_of(of, is_train, scenes, held_out, seed)
    return Tasks(seen, folds)


def run_svm(jobs: Sequence[HeadJob], tasks: Tasks, done: Callable[[Result], None]) -> None:
    """Runs the support vector machines."""
    pictures = dict[str, torch.Tensor]()
    for job in jobs:
        began, (seen, folds) = time.monotonic(), tasks.of(job)
        if job.task not in pictures:
            pictures[job.task] = ordered_pictures(seen.videos, arrow=seen.arrow)
        result = svm_validated(pictures[job.task], seen.items().labels, folds)
        about = {"run": job.identity(), "elapsed": round(time.monotonic() - began, 1)}
        done({**about, **tasks.figures(job, result), **what_with(torch.device("cpu"))})


def main() -> None:
    given = arguments().parse_args()
    began, results = time.monotonic(), list[Result]()
    if given.results.exists():
        results = json.loads(given.results.read_text(encoding="utf-8"))

    def done(result: Result) -> None:
        figures = {name: result[name] for name in ("top1", "by_fold", "clips")}
        machine = {name: result[name] for name in ("date", "torch", "hardware")}
        results.append({**result["run"], **figures, "s": result["elapsed"], **machine})
        write_text(given.results, json.dumps(results, indent=1) + "\n")
        print(f"{result['run']}: {result['top1']:.1%}, {result['elapsed']} s", flush=True)

    failed = 0
    jobs = [job for job in all_jobs(given) if not known(job.identity(), results)]
    if jobs:
        devices = device_names(given.device)
        tasks = read_tasks(jobs, given, torch.device(devices[0]))
        print(f"{len(jobs)} runs; videos read in {time.monotonic() - began:.0f} s", flush=True)
        run_svm([job for job in jobs if job.trunk == NO_NETWORK], tasks, done)
        trained = [job for job in jobs if job.trunk != NO_NETWORK]
        setups, limits = (
            dict.fromkeys(devices, partial(runner, tasks)),
            limits_left(given, devices, began),
        )
        failed = run_jobs(trained, limits, done, setups, lambda run, words: None) if trained else 0
    if given.results == OUT:
        write_page()
    print(result_table(results))
    if failed:
        raise SystemExit(f"{failed} runs have failed; see above")


if __name__ == "__main__":
    main()
