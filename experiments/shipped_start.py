"""The weights in the package: `tiny_gta`, trained on the order of built-in clips.

    python -m experiments.shipped_start            trains and scores it, and writes its card

Takes minutes on two CPU cores; the same command resumes. The clips and the training are functions
of seed 0. Writes results/start.json and src/gta/shipped/ordered.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from experiments.results import FILE, WORK
from gta.evaluation.run import evaluate
from gta.evaluation.scores import Scores
from gta.files import write_text
from gta.ordered import order_blind_ceiling
from gta.progress import Lines
from gta.recipes import find_recipe, read_recipe, write_recipe
from gta.runs import Run
from gta.shipped import FOLDER, NAME, NUM_TRAIN
from gta.training.ordered_start import trained_start
from gta.training.run import train

START_FILE = FILE.with_name("start.json")
COMMAND = "python -m experiments.shipped_start"


def figures(scores: Scores) -> dict[str, Any]:
    """The scores of the held-out clips for the card."""
    low, high = scores.interval()
    return {
        "clips": len(scores),
        "top1": round(scores.top(1), 4),
        "interval": [round(low, 4), round(high, 4)],
        "order_blind_ceiling": round(order_blind_ceiling(scores.classes), 4),
        "protocol": scores.protocol,
    }


def card(run: Run, scores: dict[str, Any]) -> dict[str, Any]:
    """The card: the weights, their uses, and their origin."""
    model, _ = run.load()
    return {
        "name": NAME,
        "what": "tiny_gta: a residual network of 10 layers over frames, with SA and GTA",
        "parameters": sum(p.numel() for p in model.parameters()),
        "classes": len(run.classes),
        "trained_on": f"{NUM_TRAIN} clips of `gta render`, easy, seed 0; nothing real, no people",
        "held_out": scores,
        "for": "a start for other clips (model.weights=ordered), and a first try of gta predict",
        "not_for": "real videos as it is: it has seen drawings only",
        "license": "Apache-2.0, as the package",
        "made_by": COMMAND,
        "torch": torch.__version__,
    }


def ship(run: Run, scores: dict[str, Any], folder: Path) -> None:
    """Writes the run, without the path of its clips, and its card."""
    folder.mkdir(parents=True, exist_ok=True)
    data = run.recipe.data.model_copy(update={"root": None})
    write_text(folder / "recipe.yaml", write_recipe(run.recipe.model_copy(update={"data": data})))
    for name in ("labels.json", "last.safetensors"):
        shutil.copyfile(run.folder / name, folder / name)
    write_text(folder / "card.json", json.dumps(card(run, scores), indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK)
    given = parser.parse_args()
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"))
    weights = trained_start(
        *(recipe, lambda inner, place: train(inner, None, place, device="cpu"), Lines()),
        folder=given.work / "start",
    )
    run = Run.open(weights.parent)
    scores = figures(evaluate(run, device="cpu"))
    write_text(START_FILE, json.dumps(scores, indent=1) + "\n")
    ship(run, scores, FOLDER)
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
