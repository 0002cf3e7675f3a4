"""Does clip normalization help where order is harder to see? `tiny_gta` on `ordered`, hard.

    python -m experiments.ordered_normalized --seeds 3

Each block sees features of which each channel has been made to have mean 0 and deviation 1 over
the clip (`normalize_clip`), as heads over a frozen trunk do; or it sees them as they are. Renders
4 000 clips to train and 1 000 to test on. A training takes some four minutes of a CPU core. Each
result is saved at once; the same command resumes.
"""

import argparse
import csv
import json
from pathlib import Path
from unittest.mock import patch

from torch import nn

from experiments.joins import rejoin
from experiments.markdown import table
from experiments.results import FILE, WORK
from experiments.significance import mean_interval, mean_std, span
from gta.config import Recipe
from gta.files import write_text
from gta.ordered import DIFFICULTIES, render_dataset
from gta.recipes import find_recipe, read_recipe, with_settings
from gta.runs import build_network
from gta.training import run as training

NORMALIZED_FILE = FILE.with_name("ordered_normalized.json")
NUM_TRAIN, NUM_TEST = 4000, 1000
WAYS = ("as they are", "normalized over the clip")


def normalized_network(recipe: Recipe, num_classes: int) -> nn.Module:
    """The network of a recipe, with normalized features before its blocks."""
    return rejoin(build_network(recipe, num_classes), "clip")


def run(way: str, seed: int, clips: Path, out: Path) -> float:
    """The accuracy on the held-out clips after the last epoch."""
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"))
    recipe = with_settings(recipe, [f"train.seed={seed}"])
    made = build_network if way == WAYS[0] else normalized_network
    with patch.object(training, "build_network", made):
        training.train(recipe, clips, out, device="cpu")
    with (out / "metrics.csv").open(newline="") as file:
        return float(list(csv.DictReader(file))[-1]["val_top1"])


def normalized_table(found: list[dict]) -> str:
    """A line for each way: mean, deviation over seeds and Wilson's interval."""
    lines = []
    for way in WAYS:
        top1 = [one["top1"] for one in found if one["features"] == way]
        within = span(mean_interval(top1, NUM_TEST), 0)
        lines.append([way, str(len(top1)), f"{mean_std(top1)} ({within})"])
    return table(["features before blocks", "seeds", "ordered, hard"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=NORMALIZED_FILE)
    given = parser.parse_args()
    clips = given.work / f"hard-{NUM_TRAIN}"
    render_dataset(clips, num_train=NUM_TRAIN, num_val=NUM_TEST, difficulty=DIFFICULTIES["hard"])
    found = json.loads(given.results.read_text("utf-8")) if given.results.exists() else []
    for seed in range(given.seeds):
        for way in WAYS:
            if any((one["features"], one["seed"]) == (way, seed) for one in found):
                continue
            top1 = run(way, seed, clips, given.work / f"normalized/{WAYS.index(way)}-{seed}")
            found.append({"features": way, "seed": seed, "top1": round(top1, 4)})
            write_text(given.results, json.dumps(found, indent=1) + "\n")
            print(found[-1], flush=True)
    if given.results == NORMALIZED_FILE:
        from experiments.page import write_page  # which has this table

        write_page()
    print(normalized_table(found))


if __name__ == "__main__":
    main()
