"""GTA_En of Table 5: the mean of the probabilities of networks with 8 and with 16 frames."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.logs import run_id
from experiments.results import Result, key
from experiments.settings import Job
from experiments.tables import ENSEMBLES, EXPERIMENTS
from gta.evaluation.metrics import top_k_accuracy
from gta.files import write_atomically


def scores_file(job: Job, work: Path) -> Path:
    """Of the probabilities of a run's held-out clips."""
    return work / f"scores-{run_id(job.identity())}.npy"


def write_scores(job: Job, probabilities: Tensor, work: Path) -> None:
    scores = probabilities.numpy().astype(np.float16)
    write_atomically(scores_file(job, work), lambda path: np.save(path, scores))


def members(name: str, seeds: int | None = None) -> Iterator[tuple[str, dict[str, Any], list[Job]]]:
    """Ensembles of an experiment: label, identity and jobs, seed by seed."""
    experiment = EXPERIMENTS[name]
    jobs = {(row.label, job.seed): job for row, job in experiment.jobs(seeds)}
    for label, (rows, _) in ENSEMBLES.get(name, {}).items():
        for seed in range(experiment.seeds if seeds is None else seeds):
            parts = [jobs[row, seed] for row in rows]
            yield label, {"ensemble": [part.identity() for part in parts]}, parts


def without_scores(name: str, work: Path, done: set[str], seeds: int | None = None) -> list[Job]:
    """Members of ensembles that are not done whose scores are not in the work folder."""
    return [
        job
        for _, identity, jobs in members(name, seeds)
        if key(identity) not in done
        for job in jobs
        if not scores_file(job, work).exists()
    ]


def ensembles(name: str, work: Path, done: set[str], seeds: int | None = None) -> Iterator[Result]:
    """Results of those whose scores are all in the work folder and that are not done."""
    for _, identity, jobs in members(name, seeds):
        files = [scores_file(job, work) for job in jobs]
        if key(identity) in done or not all(file.exists() for file in files):
            continue
        each = [torch.from_numpy(np.load(file)).float() for file in files]
        mean = torch.stack(each).mean(0)
        labels = torch.arange(len(mean)) % mean.shape[1]
        yield {
            "run": identity,
            "top1": round(top_k_accuracy(mean, labels, 1), 5),
            "top5": round(top_k_accuracy(mean, labels, 5), 5),
            # of the networks whose scores these are: the same run again is not the same network
            "members": [round(top_k_accuracy(scores, labels, 1), 5) for scores in each],
        }
