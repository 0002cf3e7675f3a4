"""A run's recipe, curves, environment and cost, as plain values for the page."""

import csv
import math
import shlex
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from gta.config import FrameWiseModel, Recipe, SlowFastModel, TrunkModel
from gta.cost import Cost, count_cost
from gta.figures.matrices import likeness, matrices
from gta.files import read_object
from gta.protocols import parse_protocol
from gta.recipes import write_recipe
from gta.report.scored import numbers
from gta.runs import Run, build_network

_TRIES = 5


def run_facts(run: Run, name: str) -> dict[str, Any]:
    """Recipe, curves, environment and cost."""
    recipe = run.recipe
    environment = read_object(run.folder / "environment.json") or {}
    return {
        "name": name,
        "folder": str(run.folder),
        "network": network_line(recipe),
        "recipe": write_recipe(recipe),
        "epochs": recipe.train.epochs,
        "history": history(run.folder / "metrics.csv"),
        "environment": environment,
        "commands": commands(run.folder, environment),
        "cost": cost(run),
    }


def network_line(recipe: Recipe) -> str:
    """The network in a line."""
    model = recipe.model
    if isinstance(model, FrameWiseModel | TrunkModel):
        network = model.network
    else:
        kind = "SlowFast-R" if isinstance(model, SlowFastModel) else "ResNet-"
        network = f"{kind}{model.depth}{', TSM' * getattr(model, 'tsm', False)}"
    blocks = " + ".join(block.block.upper() for block in model.blocks)
    clip = f"{recipe.clip.num_frames} frames of {recipe.clip.size}x{recipe.clip.size}"
    weights = "" if model.weights == "none" else f", from {Path(model.weights).name}"
    return f"{network}{f' + {blocks}' * bool(blocks)}, {clip}{weights}"


def history(path: Path) -> dict[str, list[float | None]]:
    """metrics.csv by columns; None where a line lacks the value. Empty without the file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return {}
    names = list(rows[0]) if rows else []
    return {name: [_number(row.get(name)) for row in rows] for name in names}


def commands(folder: Path, environment: dict[str, Any]) -> list[str]:
    """The commands that trained it, that score it, and that write this page again."""
    arguments = environment.get("arguments")
    typed = [str(word) for word in arguments] if isinstance(arguments, list) else []
    trained = f"gta {shlex.join(typed)}" if typed[:1] == ["train"] else ""
    if not trained:
        trained = f"gta train --recipe {shlex.quote(str(folder / 'recipe.yaml'))} --out NEW_RUN"
    quoted = shlex.quote(str(folder))
    return [trained, f"gta test {quoted}", f"gta report {quoted}"]


def cost_of(run: Run) -> Cost:
    """The cost of a view of the run's protocol."""
    size = parse_protocol(run.recipe.test.protocol).size
    shape = (3, run.recipe.clip.num_frames, size, size)
    return count_cost(lambda: build_network(run.recipe, len(run.classes)), shape)


def cost(run: Run) -> dict[str, float]:
    """The cost of a view, and the number of views per video."""
    counted, protocol = cost_of(run), parse_protocol(run.recipe.test.protocol)
    return {
        "gflops": counted.gflops,
        "params_m": counted.params_m,
        "activations_mib": counted.activations_mib,
        "views": protocol.num_views,
    }


def speed(run: Run, model: nn.Module) -> dict[str, Any]:
    """Milliseconds per view on this machine's CPU: the median of a few passes."""
    protocol = parse_protocol(run.recipe.test.protocol)
    clip = torch.zeros(1, 3, run.recipe.clip.num_frames, protocol.size, protocol.size)
    times = []
    with torch.inference_mode():
        model(clip)
        for _ in range(_TRIES):
            began = perf_counter()
            model(clip)
            times.append(1000 * (perf_counter() - began))
    return {"ms": median(times), "threads": torch.get_num_threads(), "passes": _TRIES}


def matrix_facts(model: nn.Module) -> list[dict[str, Any]]:
    """The learned matrices of all GTA blocks, and their likeness to simple patterns."""
    return [
        {
            "block": matrix.name,
            "level": matrix.level,
            "shape": list(matrix.weights.shape),
            "weights": numbers(matrix.weights),
            "mean": numbers(matrix.mean),
            "added": numbers(matrix.added),
            "causal": matrix.causal,
            "likeness": {
                name: round(value, 3)
                for name, value in likeness(matrix.added, causal=matrix.causal).items()
            },
        }
        for matrix in matrices(model)
        if np.isfinite(matrix.weights).all() and np.isfinite(matrix.added).all()
    ]


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
