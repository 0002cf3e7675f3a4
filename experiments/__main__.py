"""Runs the paper's experiments and writes the tables of docs/results.md.

python -m experiments --list                          the experiments, and what is missing
python -m experiments table2b table2a                 runs what is missing, then writes the page
python -m experiments table1 --minutes 9 --jobs 4     within a time; again resumes
python -m experiments table3 --seeds 4                a seed more than the table has
python -m experiments tape --row "input, *"            the rows whose labels fit
python -m experiments --report                        only writes the page

All GPUs of the machine are used, unless `--device` names some: cuda:0,cuda:1. `--results` replaces
the results file of the repository; then no page is written.
"""

import argparse
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from experiments.command import common_arguments, describe, device_names, limits_left
from experiments.logs import log_file, log_to
from experiments.results import FILE, Result, append_result, by_key, key, read_results, unfinished
from experiments.settings import Job
from experiments.tables import EXPERIMENTS


def missing(
    names: Sequence[str], seeds: int | None, path: Path = FILE, labels: Sequence[str] = ("*",)
) -> list[Job]:
    """Runs of these experiments that are not in the file, each once, in the order of the tables.

    Only rows whose label fits a pattern count.
    """
    jobs = [
        job
        for name in names
        for row, job in EXPERIMENTS[name].jobs(seeds)
        if any(fnmatchcase(row.label, label) for label in labels)
    ]
    return unfinished(jobs, path)


def show(seeds: int | None, path: Path) -> None:
    """A line for each experiment."""
    done = by_key(read_results(path))
    for name, experiment in EXPERIMENTS.items():
        jobs = experiment.jobs(seeds)
        results = [done[key(job.identity())] for _, job in jobs if key(job.identity()) in done]
        seconds = sum(result["seconds"] for result in results)
        print(
            f"{name:12} {len(results):3} of {len(jobs):3} runs, {seconds / 60:5.1f} min  ", end=""
        )
        print(experiment.title)


def arguments() -> argparse.ArgumentParser:
    parser = common_arguments(__doc__, FILE)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--seeds", type=int, help="instead of the experiment's own number")
    parser.add_argument(
        "--row", action="append", metavar="PATTERN", help="only these rows; repeatable"
    )
    parser.add_argument("--compile", action="store_true", help="shorter steps, a slower start")
    return parser


def main() -> None:
    parser = arguments()
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"{unknown[0]!r} is not an experiment; they are {', '.join(EXPERIMENTS)}")
    if given.list:
        show(given.seeds, given.results)
        return
    failed = 0 if given.report else run_missing(given)
    if given.results == FILE:  # the page is about the results in the repository
        from experiments.page import write_page  # it needs the extra `experiments`

        write_page()
    if failed:
        raise SystemExit(f"{failed} runs have failed; see above")


def run_missing(given: argparse.Namespace) -> int:
    """Runs what is not in the results file, by rendering; then the ensembles.

    Returns the number of failed runs.
    """
    import torch

    from experiments.clips import render
    from experiments.ensembles import ensembles, without_scores
    from experiments.ordered_runs import ordered_clips, ordered_setups
    from experiments.sizes import commit
    from experiments.workers import run_jobs

    names, began = given.names or list(EXPERIMENTS), time.monotonic()
    whole = [] if given.row else names  # an ensemble needs several rows
    jobs = missing(names, given.seeds, given.results, given.row or ("*",))
    recorded = set(by_key(read_results(given.results)))
    for name in whole:
        jobs += [
            job
            for job in without_scores(name, given.work, recorded, given.seeds)
            if job not in jobs
        ]
    at, count, failed = given.commit or commit(), 0, 0

    def done(result: Result) -> None:
        nonlocal count
        count += 1
        if key(result["run"]) not in recorded:  # else it was run only for its scores
            append_result({**result, "commit": at}, given.results)
        print(f"{count}/{len(jobs)} {describe(result)}", flush=True)

    devices = device_names(given.device)
    how = f", commit {at}{', compiled' if given.compile else ''}"
    log = log_to(log_file(given.results), how)
    for data in dict.fromkeys(job.data for job in jobs):
        clips = ordered_clips(render(data, given.work), devices)
        print(f"the clips were there after {time.monotonic() - began:.0f} s", flush=True)
        limits = limits_left(given, devices, began)
        setups = ordered_setups(clips, given.work, compiled=given.compile)
        failed += run_jobs([job for job in jobs if job.data == data], limits, done, setups, log)
        del clips, setups
        torch.cuda.empty_cache()  # room for the next clips
    finished = set(by_key(read_results(given.results)))
    for name in whole:
        for result in ensembles(name, given.work, finished, given.seeds):
            append_result({**result, "commit": at}, given.results)
    return failed


if __name__ == "__main__":
    main()
