"""Real clips: the arrow of time on `sit-stand`, the classes of `wagon`, and of any folder of yours.

python -m experiments.real --reduce VIDEOS             VIDEOS/sit-stand, VIDEOS/wagon made small
python -m experiments.real                             runs what is missing, then writes the page
python -m experiments.real sit-stand --minutes 9       one of them, within a time; again goes on
python -m experiments.real mine --reduce VIDEOS        VIDEOS/mine/CLASS/VIDEO, the same recipe:
python -m experiments.real mine --results mine.jsonl

The arrow of time (`--arrow` for a folder of yours with two classes that are each other backwards):
each clip and its reversed copy under the other label, both in the same fold. It is the list of
sampled frames that is reversed, so a network that is blind to order gives both the same scores and
is right in exactly half of the cases. Runs start from scratch, or from weights trained on
`ordered`, which are made first and kept in the work folder.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import torch

from experiments.__main__ import device_names, told
from experiments.clips import render
from experiments.logs import Log, Say, log_file, log_to
from experiments.real_baselines import BASELINES, identity, run_baseline
from experiments.real_batches import CHANGES
from experiments.real_clips import RealClips, load_real, reduce_folder
from experiments.real_runs import MODELS, STARTS, RealJob, pretraining, run_real
from experiments.report import write_page
from experiments.report_real import table_of
from experiments.results import REAL_FILE, WORK, Result, append_result, by_key, key, read_results
from experiments.weights import read_weights, weights_file
from experiments.workers import (
    Limits,
    Runner,
    commit,
    ordered_clips,
    ordered_setups,
    run_jobs,
)

SEEDS = 3


@dataclass(frozen=True)
class Task:
    """What is asked of a folder of clips."""

    held_out: tuple[str, ...]
    arrow: bool = False


TASKS = {
    "sit-stand": Task(("folds", "split", "scenes", "folds of these"), arrow=True),
    "wagon": Task(("folds",)),
}
"""Of the two sets of docs/results.md."""
CHANGED = ("sit-stand", "split")
"""Where it is asked what changes of the training clips are worth."""
FEW_MODELS = ("GTA", "TSM", "TSM + GTA")
"""Those that are asked what scenes and such changes are worth."""


def task_of(name: str, clips: RealClips, *, arrow: bool) -> Task:
    """Of `TASKS`, or for another folder: folds, and its own split if it has one."""
    if name in TASKS:
        return TASKS[name]
    split = () if clips.is_train.all() else ("split",)
    return Task(("folds", *split), arrow)


def all_jobs(tasks: Mapping[str, Task], seeds: int) -> list[RealJob]:
    """First seeds first; what scenes and changes are worth last."""
    jobs = [
        RealJob(name, folder, held_out, start, seed, task.arrow, change)
        for seed, (folder, task) in product(range(seeds), tasks.items())
        for held_out, start, name in product(task.held_out, STARTS, MODELS)
        for change in (CHANGES if (folder, held_out) == CHANGED else ("none",))
        if (held_out in ("folds", "split") and change == "none") or name in FEW_MODELS
    ]
    return sorted(
        jobs, key=lambda job: job.change != "none" or job.held_out not in ("folds", "split")
    )


def without_result(jobs: Sequence[RealJob], path: Path) -> list[RealJob]:
    done = by_key(read_results(path))
    return [job for job in jobs if key(job.identity()) not in done]


def runner(work: Path, clips: Mapping[str, RealClips], device: torch.device) -> Runner:
    """What a training process does with its jobs."""

    def run(job: RealJob, say: Say) -> Result:
        first = pretraining(job.model)
        weights = read_weights(first, work) if job.start == "ordered" else None
        return run_real(job, clips[job.task], weights, device, say)

    return run


def pretrain(jobs: Sequence[RealJob], limits: Limits, work: Path, log: Log) -> None:
    """Trains on `ordered` the networks whose weights are asked for and not in the work folder."""
    models = [job.model for job in jobs if job.start == "ordered"]
    first = {model.model_dump_json(): pretraining(model) for model in models}
    absent = [job for job in first.values() if not weights_file(job, work).exists()]
    if not absent:
        return
    clips = ordered_clips(render(absent[0].data, work), limits.devices)
    setups = ordered_setups(clips, work, compiled=False)
    run_jobs(absent, limits, lambda result: print(f"weights: {told(result)}"), setups, log)
    del clips, setups
    torch.cuda.empty_cache()  # room for what is trained next


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="NAME")
    parser.add_argument("--reduce", type=Path, metavar="VIDEOS")
    parser.add_argument("--arrow", action="store_true", help="of folders that are not in the page")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=4, help="runs at once on each device")
    parser.add_argument("--minutes", type=float, help="stop before they are over")
    parser.add_argument("--device", default="cuda", help="or several, with commas between")
    parser.add_argument("--baselines", action="store_true", help="those alone; needs no GPU")
    parser.add_argument("--work", type=Path, default=WORK, help="where clips and weights are kept")
    parser.add_argument("--commit", help="of the code, where git cannot tell")
    parser.add_argument("--results", type=Path, default=REAL_FILE)
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
            parser.error(f"{task!r} is not in docs/results.md; name a file of its own: --results")
    clips = {task: load_real(given.work / f"{task}.npz") for task in given.tasks}
    tasks = {task: task_of(task, clips[task], arrow=given.arrow) for task in given.tasks}
    run_missing(given, tasks, clips)
    if given.results == REAL_FILE:
        write_page()
    else:
        results = read_results(given.results)
        for name, held_out in (
            (name, one) for name, task in tasks.items() for one in task.held_out
        ):
            print(f"{name}, {held_out}:\n{table_of(results, name, held_out)}\n")


def run_missing(
    given: argparse.Namespace, tasks: Mapping[str, Task], clips: Mapping[str, RealClips]
) -> None:
    at, log, began = given.commit or commit(), log_to(log_file(given.results)), time.monotonic()

    def done(result: Result) -> None:
        append_result({**result, "commit": at}, given.results)
        run = result["run"]
        words = ", ".join(f"{name} {run[name]}" for name in ("task", "held_out", "seed"))
        print(f"{words}, {label(run)}: {result['top1']:.1%}, {result['elapsed']} s", flush=True)

    known = by_key(read_results(given.results))
    for seed, (name, task) in product(range(given.seeds), tasks.items()):
        for held_out, baseline in product(task.held_out, BASELINES):
            if seed > 0 and held_out in ("split", "scenes"):
                continue  # another seed has the same folds
            about = identity(baseline, name, held_out, seed, arrow=task.arrow)
            if key(about) not in known:
                done(run_baseline(about, clips[name]))
    if given.baselines:
        return
    jobs = without_result(all_jobs(tasks, given.seeds), given.results)
    seconds = None if given.minutes is None else 60 * given.minutes
    limits = Limits(given.jobs, seconds, device_names(given.device))
    pretrain(jobs, limits, given.work, log)
    left = None if seconds is None else seconds - (time.monotonic() - began)
    setups = dict.fromkeys(limits.devices, partial(runner, given.work, clips))
    run_jobs(jobs, Limits(limits.jobs, left, limits.devices), done, setups, log)


def label(run: dict) -> str:
    """Of a network or a baseline, in a line."""
    if "baseline" in run:
        return run["baseline"]
    blocks = "+".join(block["block"] for block in run["model"]["blocks"]) or "none"
    return f"{'tsm ' * run['model']['tsm']}{blocks} from {run['start']}"


if __name__ == "__main__":
    main()
