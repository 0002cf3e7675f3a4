"""Real clips: the arrow of time on `sit-stand`, the classes of `wagon`, and of any folder of yours.

python -m experiments.real --reduce VIDEOS             reduces VIDEOS/sit-stand, VIDEOS/wagon
python -m experiments.real                             runs what is missing, then writes the page
python -m experiments.real sit-stand --minutes 9       one of them, within a time; again resumes
python -m experiments.real mine --reduce VIDEOS        VIDEOS/mine/CLASS/VIDEO, the same recipe:
python -m experiments.real mine --results mine.jsonl

The arrow of time (`--arrow` for a folder of yours with two classes that are each other backwards):
each clip and its reversed copy under the other label, both in the same fold. The list of sampled
frames is reversed, so a network that is blind to order gives both the same scores and is right in
exactly half of the cases. Runs start from scratch, or from the weights of a run on `ordered` with
the same seed, which is run first if its weights are not in the work folder.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import torch

from experiments.clips import render
from experiments.command import common_arguments, describe, device_names, limits_left, network
from experiments.logs import Log, Say, log_file, log_to
from experiments.ordered_runs import ordered_clips, ordered_setups
from experiments.page import write_page
from experiments.real_baselines import BASELINES, identity, run_baseline
from experiments.real_batches import AUGMENTATIONS
from experiments.real_clips import RealClips, load_real, reduce_folder
from experiments.real_page import Column, real_table
from experiments.real_runs import MODELS, STARTS, RealJob, run_real
from experiments.results import (
    REAL_FILE,
    Result,
    append_result,
    by_key,
    key,
    read_results,
    unfinished,
)
from experiments.runs import read_weights, weights_file
from experiments.sizes import commit
from experiments.workers import Limits, Runner, run_jobs

SEEDS = 3


@dataclass(frozen=True)
class Task:
    """The experiments on a folder of clips."""

    held_out: tuple[str, ...]
    arrow: bool = False


TASKS = {
    "sit-stand": Task(("folds", "split", "scenes", "folds of known scenes"), arrow=True),
    "wagon": Task(("folds",)),
}
"""The tasks of the two data sets of docs/results.md."""
AUGMENTED = ("sit-stand", "split")
"""Where augmentations are compared."""
FEW_MODELS = ("GTA", "TSM", "TSM + GTA")
"""The networks for which scenes and augmentations are compared."""


def task_of(name: str, clips: RealClips, *, arrow: bool) -> Task:
    """A task of `TASKS`, or for another folder: folds, and its own split if it has a split."""
    split = () if clips.is_train.all() else ("split",)
    task = TASKS.get(name, Task(("folds", *split), arrow))
    if task.arrow and len(clips.classes) != 2:
        raise SystemExit(
            f"{name} has {len(clips.classes)} classes; the arrow of time needs two that are "
            f"each other backwards: leave out --arrow"
        )
    if (clips.scenes >= 0).any():
        return task
    return replace(task, held_out=tuple(how for how in task.held_out if "scenes" not in how))


def all_jobs(tasks: Mapping[str, Task], seeds: int) -> list[RealJob]:
    """Jobs by seed; comparisons of scenes and augmentations last."""
    jobs = [
        RealJob(name, folder, held_out, start, seed, task.arrow, augment)
        for seed, (folder, task) in product(range(seeds), tasks.items())
        for held_out, start, name in product(task.held_out, STARTS, MODELS)
        for augment in (AUGMENTATIONS if (folder, held_out) == AUGMENTED else ("none",))
        if (held_out in ("folds", "split") and augment == "none") or name in FEW_MODELS
    ]
    return sorted(
        jobs, key=lambda job: job.augment != "none" or job.held_out not in ("folds", "split")
    )


def runner(work: Path, clips: Mapping[str, RealClips], device: torch.device) -> Runner:
    """The runner of a training process."""

    def run(job: RealJob, say: Say) -> Result:
        weights = read_weights(job.pretraining, work) if job.start == "ordered" else None
        return run_real(job, clips[job.task], weights, device, say)

    return run


def pretrain(jobs: Sequence[RealJob], limits: Limits, work: Path, log: Log) -> int:
    """Trains on `ordered` the networks whose weights are needed and not in the work folder.

    Returns the number of failed runs.
    """
    wanted = [job.pretraining for job in jobs if job.start == "ordered"]
    first = {weights_file(job, work): job for job in wanted}
    absent = [job for path, job in first.items() if not path.exists()]
    if not absent:
        return 0
    clips = ordered_clips(render(absent[0].data, work), limits.devices)
    setups = ordered_setups(clips, work)
    failed = run_jobs(
        absent, limits, lambda result: print(f"weights: {describe(result)}"), setups, log
    )
    del clips, setups
    torch.cuda.empty_cache()  # room for the next training
    return failed


def arguments() -> argparse.ArgumentParser:
    parser = common_arguments(__doc__, REAL_FILE)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="NAME")
    parser.add_argument("--reduce", type=Path, metavar="VIDEOS")
    parser.add_argument("--arrow", action="store_true", help="for folders that are not in the page")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--baselines", action="store_true", help="only the baselines; needs no GPU")
    return parser


def main() -> None:
    parser = arguments()
    given = parser.parse_args()
    if given.reduce is not None:
        for task in given.tasks:
            if not (given.reduce / task).is_dir():
                parser.error(f"{given.reduce / task} is no folder")
            reduce_folder(given.reduce / task, given.work / f"{task}.npz")
        return
    for task in given.tasks:
        if not (given.work / f"{task}.npz").exists():
            parser.error(f"{given.work / task}.npz is missing; make it with --reduce VIDEOS")
        if task not in TASKS and given.results == REAL_FILE:
            parser.error(f"{task!r} is not in docs/results.md; give its own file: --results")
    clips = {task: load_real(given.work / f"{task}.npz") for task in given.tasks}
    tasks = {task: task_of(task, clips[task], arrow=given.arrow) for task in given.tasks}
    failed = run_missing(given, tasks, clips)
    if given.results == REAL_FILE:
        write_page()
    else:
        results = read_results(given.results)
        for name, task in tasks.items():
            columns = [Column(how, name, how, task.arrow) for how in task.held_out]
            print(f"{name}:\n{real_table(results, columns)}\n")
    if failed:
        raise SystemExit(f"{failed} runs have failed; see above")


def run_missing(
    given: argparse.Namespace, tasks: Mapping[str, Task], clips: Mapping[str, RealClips]
) -> int:
    """Runs what is not in the results file; returns the number of failed runs."""
    at, began = given.commit or commit(), time.monotonic()
    log = log_to(log_file(given.results), f", commit {at}")

    def done(result: Result) -> None:
        append_result({**result, "commit": at}, given.results)
        run = result["run"]
        words = ", ".join(f"{name} {run[name]}" for name in ("task", "held_out", "seed"))
        which = run.get("baseline") or f"{network(run['model'])} from {run['start']}"
        print(f"{words}, {which}: {result['top1']:.1%}, {result['elapsed']} s", flush=True)

    known = by_key(read_results(given.results))
    for seed, (name, task) in product(range(given.seeds), tasks.items()):
        for held_out, baseline in product(task.held_out, BASELINES):
            if seed > 0 and held_out in ("split", "scenes"):
                continue  # another seed has the same folds
            about = identity(baseline, name, held_out, seed, arrow=task.arrow)
            if key(about) not in known:
                done(run_baseline(about, clips[name]))
    if given.baselines:
        return 0
    devices = device_names(given.device)
    jobs = unfinished(all_jobs(tasks, given.seeds), given.results)
    failed = pretrain(jobs, limits_left(given, devices, began), given.work, log)
    ready = [
        job
        for job in jobs
        if job.start == "scratch" or weights_file(job.pretraining, given.work).exists()
    ]
    setups = dict.fromkeys(devices, partial(runner, given.work, clips))
    return failed + run_jobs(ready, limits_left(given, devices, began), done, setups, log)


if __name__ == "__main__":
    main()
