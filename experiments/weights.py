"""Weights of finished runs, in the work folder, which other runs can start from."""

from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.logs import run_id
from experiments.settings import Job


def weights_file(job: Job, work: Path) -> Path:
    return work / f"weights-{run_id(job.identity())}.pt"


def write_weights(job: Job, model: nn.Module, work: Path) -> None:
    path = weights_file(job, work)
    part = path.with_suffix(".part")
    torch.save({name: one.cpu() for name, one in model.state_dict().items()}, part)
    part.replace(path)


def read_weights(job: Job, work: Path) -> dict[str, Tensor]:
    return torch.load(weights_file(job, work), map_location="cpu", weights_only=True)
