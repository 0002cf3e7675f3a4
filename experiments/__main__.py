"""Runs the paper's experiments and writes docs/results.md.

python -m experiments --list                          what there is, and what is missing
python -m experiments table2b table2a                 runs what is missing, then writes the page
python -m experiments table1 --minutes 9 --jobs 4     within a time; again goes on
python -m experiments --report                        writes the page alone

With `--results` another file takes the place of the one in the repository, and no page is written.
"""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from experiments.report import write_page
from experiments.results import FILE, WORK, append_result, by_key, key, read_results
from experiments.settings import Job
from experiments.tables import EXPERIMENTS


def missing(names: Sequence[str], seeds: int | None, path: Path = FILE) -> list[Job]:
    """Runs of these experiments that are not in the file, each once, in the order of the tables."""
    done = set(by_key(read_results(path)))
    jobs: dict[str, Job] = {}
    for name in names:
        for _, job in EXPERIMENTS[name].jobs(seeds):
            if key(job.identity()) not in done:
                jobs.setdefault(key(job.identity()), job)
    return list(jobs.values())


def show(seeds: int | None, path: Path) -> None:
    """A line for each experiment."""
    done = by_key(read_results(path))
    for name, experiment in EXPERIMENTS.items():
        jobs = experiment.jobs(seeds)
        found = [done[key(job.identity())] for _, job in jobs if key(job.identity()) in done]
        seconds = sum(result["seconds"] for result in found)
        print(f"{name:12} {len(found):3} of {len(jobs):3} runs, {seconds / 60:5.1f} min  ", end="")
        print(experiment.title)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all if left out")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--seeds", type=int, help="instead of the experiment's own number")
    parser.add_argument("--jobs", type=int, default=4, help="runs at once on the device")
    parser.add_argument("--compile", action="store_true", help="shorter steps, a slower start")
    parser.add_argument("--minutes", type=float, help="stop before they are over")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--work", type=Path, default=WORK, help="where rendered clips are kept")
    parser.add_argument("--commit", help="of the code, where git cannot tell")
    parser.add_argument("--results", type=Path, default=FILE)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"{unknown[0]!r} is not an experiment; they are {', '.join(EXPERIMENTS)}")
    if given.list:
        show(given.seeds, given.results)
        return
    if not given.report:
        import torch

        from experiments.clips import render
        from experiments.ensembles import ensembles
        from experiments.workers import (
            Limits,
            commit,
            ordered_clips,
            ordered_runner,
            run_jobs,
        )

        jobs = missing(given.names or list(EXPERIMENTS), given.seeds, given.results)
        at, count = given.commit or commit(), 0

        def done(result: dict) -> None:
            nonlocal count
            count += 1
            append_result({**result, "commit": at}, given.results)
            blocks = "+".join(block["block"] for block in result["run"]["model"]["blocks"])
            print(
                f"{count}/{len(jobs)} {blocks or 'none'} seed {result['run']['seed']}: "
                f"{result['top1']:.1%} (reversed {result['reversed']:.1%}), "
                f"{result['seconds']:.0f} s",
                flush=True,
            )

        began = time.monotonic()
        if jobs:
            clips = ordered_clips(render(jobs[0].data, given.work), torch.device(given.device))
            setup = partial(ordered_runner, clips, given.work, given.compile)
            spent = time.monotonic() - began
            print(f"the clips were there after {spent:.0f} s", flush=True)
            seconds = None if given.minutes is None else 60 * given.minutes - spent
            run_jobs(jobs, Limits(given.jobs, seconds, given.device), done, setup)
        found = set(by_key(read_results(given.results)))
        for name in given.names or EXPERIMENTS:
            for result in ensembles(name, given.work, found):
                append_result({**result, "commit": at}, given.results)
    if given.results == FILE:  # the page is about the results in the repository
        write_page()


if __name__ == "__main__":
    main()
