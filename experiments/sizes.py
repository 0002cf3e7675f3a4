"""The cost of a job, and its hardware."""

import subprocess
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from experiments.joins import rejoin
from experiments.training import KEYS
from gta.config import Model
from gta.cost import count_cost
from gta.models import build


def cost(job: Any) -> dict[str, float]:
    """The cost of a clip, with the classes of `ordered`."""
    settings = job.settings
    about = job.model.model_dump_json()
    return _cost(about, settings.join, settings.num_frames, settings.crop)


@cache
def _cost(about: str, join: str, num_frames: int, crop: int) -> dict[str, float]:
    model = TypeAdapter[Model](Model).validate_json(about)
    counted = count_cost(
        lambda: rejoin(build(model, num_classes=len(KEYS), num_frames=num_frames), join),
        (3, num_frames, crop, crop),
    )
    return {"gflops": round(counted.gflops, 3), "params_m": round(counted.params_m, 3)}


def num_gflops(job: Any) -> float:
    """GFLOPs of the forward passes of its training."""
    return cost(job)["gflops"] * job.num_clips


def what_with(device: torch.device) -> dict[str, Any]:
    """The date, hardware and versions."""
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {"date": date.today().isoformat(), "torch": torch.__version__, "hardware": hardware}


def commit() -> str:
    """The commit of the code, if git knows it."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        told = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return told.stdout.strip() or "unknown"
