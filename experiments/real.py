"""Real clips: the arrow of time on `sit-stand`, and the classes of `wagon`.

    python -m experiments.real --reduce VIDEOS            VIDEOS/sit-stand, VIDEOS/wagon made small
    python -m experiments.real sit-stand wagon --minutes 9

The arrow of time: each clip and its reversed copy under the other label, both in the same fold. It
is the list of sampled frames that is reversed, so a network that is blind to order gives both the
same scores and is right in exactly half of the cases. Runs start from scratch, or from weights
trained on `ordered`, which are kept in the work folder.
"""

import argparse
from functools import partial
from itertools import product
from pathlib import Path

import torch

from experiments.real_clips import load_real, reduce_folder
from experiments.real_runs import MODELS, STARTS, TASKS, RealJob, pretrained, run_real
from experiments.report import write_page
from experiments.results import (
    REAL_FILE,
    WORK,
    Result,
    append_result,
    by_key,
    key,
    read_results,
)
from experiments.workers import Limits, Runner, commit, run_jobs

SEEDS = 3


def missing(tasks: list[str], seeds: int, path: Path = REAL_FILE) -> list[RealJob]:
    """Runs that are not in the file, first seeds first."""
    done = by_key(read_results(path))
    jobs = [
        RealJob(name, task, held_out, start, seed)
        for seed, task in product(range(seeds), tasks)
        for held_out, start, name in product(TASKS[task], STARTS, MODELS)
    ]
    return [job for job in jobs if key(job.identity()) not in done]


def runner(work: Path, device: torch.device) -> Runner:
    """What a training process does with its jobs."""
    clips = {task: load_real(path) for task in TASKS if (path := work / f"{task}.npz").exists()}

    def run(job: RealJob) -> Result:
        weights = pretrained(job.model, work, device) if job.start == "ordered" else None
        return run_real(job, clips[job.task], weights, device)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="NAME")
    parser.add_argument("--reduce", type=Path, metavar="VIDEOS")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=4, help="runs at once on the device")
    parser.add_argument("--minutes", type=float, help="stop before they are over")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--work", type=Path, default=WORK, help="where clips and weights are kept")
    parser.add_argument("--commit", help="of the code, where git cannot tell")
    parser.add_argument("--results", type=Path, default=REAL_FILE)
    given = parser.parse_args()
    for task in given.tasks:
        if task not in TASKS:
            parser.error(f"{task!r} is not a task; they are {', '.join(TASKS)}")
    if given.reduce is not None:
        for task in given.tasks:
            reduce_folder(given.reduce / task, given.work / f"{task}.npz")
        return
    for task in given.tasks:
        if not (given.work / f"{task}.npz").exists():
            parser.error(f"{given.work / task}.npz is missing; make it with --reduce VIDEOS")
    at = given.commit or commit()

    def done(result: Result) -> None:
        append_result({**result, "commit": at}, given.results)
        run = result["run"]
        told = ", ".join(f"{name} {run[name]}" for name in ("task", "held_out", "start", "seed"))
        blocks = "+".join(block["block"] for block in run["model"]["blocks"]) or "none"
        tsm = "tsm " * run["model"]["tsm"]
        print(f"{told}, {tsm}{blocks}: {result['top1']:.1%}, {result['elapsed']} s", flush=True)

    seconds = None if given.minutes is None else 60 * given.minutes
    jobs = missing(given.tasks, given.seeds, given.results)
    run_jobs(jobs, Limits(given.jobs, seconds, given.device), done, partial(runner, given.work))
    if given.results == REAL_FILE:
        write_page()


if __name__ == "__main__":
    main()
