"""GTA_En of Table 5: the mean of the probabilities of networks with 8 and with 16 frames."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.results import Result, key
from experiments.runs import read_scores, scores_file
from experiments.settings import Job
from experiments.tables import ENSEMBLES, EXPERIMENTS
from gta.evaluation.ensemble import ensemble


def members(name: str, seeds: int | None = None) -> Iterator[tuple[str, dict[str, Any], list[Job]]]:
    """Ensembles of an experiment: label, identity and jobs, seed by seed."""
    experiment = EXPERIMENTS[name]
    jobs = {(row.label, job.seed): job for row, job in experiment.jobs(seeds)}
    for label, (rows, _) in ENSEMBLES.get(name, {}).items():
        for seed in range(experiment.seeds if seeds is None else seeds):
            parts = [jobs[row, seed] for row in rows]
            yield label, {"ensemble": [part.identity() for part in parts]}, parts


def without_scores(name: str, work: Path, done: set[str], seeds: int | None = None) -> list[Job]:
    """Members of unfinished ensembles without scores in the work folder."""
    return [
        job
        for _, identity, jobs in members(name, seeds)
        if key(identity) not in done
        for job in jobs
        if not scores_file(job, work).exists()
    ]


def ensembles(name: str, work: Path, done: set[str], seeds: int | None = None) -> Iterator[Result]:
    """Results of unfinished ensembles whose scores are all in the work folder."""
    for _, identity, jobs in members(name, seeds):
        is_there = all(scores_file(job, work).exists() for job in jobs)
        if key(identity) in done or not is_there:
            continue
        parts = [read_scores(job, work) for job in jobs]
        mean = ensemble(parts)
        yield {
            "run": identity,
            "top1": round(mean.top(1), 5),
            "top5": round(mean.top(5), 5),
            # of the networks with these scores: a repeated run gives another network
            "members": [round(part.top(1), 5) for part in parts],
        }
