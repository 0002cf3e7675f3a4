"""Runs on clips of `ordered` in training processes."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from experiments.clips import Clips, load
from experiments.logs import Say
from experiments.results import Result
from experiments.runs import write_run
from experiments.scoring import run
from experiments.settings import Job
from experiments.training import KEYS
from experiments.workers import Runner, Setup

AllClips = tuple[Clips, Clips, Clips]
"""The training clips, the held-out clips, and the first of those with twice as many frames."""


def ordered_clips(paths: Mapping[str, Path], devices: Sequence[str]) -> dict[str, AllClips]:
    """The three renderings on each device, which all its training processes read: 19 GB once."""
    train, val, longer = (
        load(paths[part], len(KEYS), torch.device(devices[0]))
        for part in ("train", "val", "longer")
    )
    return {name: (train.to(name), val.to(name), longer.to(name)) for name in devices}


def ordered_setups(
    clips: Mapping[str, AllClips],
    work: Path,
    *,
    compiled: bool = False,
) -> dict[str, Setup]:
    """The setup of each device. Scores and weights are written to the work folder."""
    return {name: partial(_runner, mine, work, compiled) for name, mine in clips.items()}


def _runner(clips: AllClips, work: Path, compiled: bool, _: torch.device) -> Runner:
    def finish(job: Job, say: Say) -> Result:
        result, probabilities, model = run(job, *clips, say, compiled=compiled)
        write_run(job, model, probabilities, work)
        return result

    return finish
