"""Weights of finished runs, in the work folder, which other runs can start from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.logs import run_id
from experiments.settings import Job
from gta.files import write_atomically


@dataclass(frozen=True)
class Weights:
    """Of a run on `ordered`."""

    state: dict[str, Tensor]
    top1: float
    """Of that run."""


def weights_file(job: Job, work: Path) -> Path:
    return work / f"weights-{run_id(job.identity())}.pt"


def write_weights(job: Job, model: nn.Module, top1: float, work: Path) -> None:
    kept = {"state": {name: one.cpu() for name, one in model.state_dict().items()}, "top1": top1}
    write_atomically(weights_file(job, work), lambda path: torch.save(kept, path))


def read_weights(job: Job, work: Path) -> Weights:
    kept = torch.load(weights_file(job, work), map_location="cpu", weights_only=True)
    return Weights(kept["state"], kept["top1"])
