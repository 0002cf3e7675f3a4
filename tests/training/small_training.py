"""A training small enough for tests, in this process."""

from pathlib import Path

import torch
from torch import nn

from gta.config import Recipe
from gta.progress import Report, Silent
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training.processes import Processes
from gta.training.recipe_training import Training
from gta.training.splits import load_splits
from gta.training.stopping import Stop


def recipe(root: Path, settings: list[str], *more: str) -> Recipe:
    """tiny_gta, with everything that is drawn at random for a sample or a batch."""
    draws = ["model.dropout=0.3", "augment.mixup=0.4", "augment.cutmix=0.4", "augment.erase=0.3"]
    values = [*settings, *draws, f"data.root={root}", *more]
    return read_recipe(find_recipe("ordered", "tiny_gta"), values)


def make_training(
    found: Recipe, folder: Path, report: Report | None = None, stop: Stop | None = None
) -> tuple[Training, nn.Module, list[tuple[str, int]]]:
    """A training, its model, and a list of what will have been saved."""
    folder.mkdir(exist_ok=True)
    splits = load_splits(found, Silent())
    torch.manual_seed(found.train.seed)
    model = build_network(found, len(splits.train.classes))
    saved: list[tuple[str, int]] = []
    training = Training(
        model,
        splits,
        found,
        folder,
        Processes(torch.device("cpu")),
        save_weights=lambda tensors, names, epoch: saved.extend((n, epoch) for n in names),
        report=report,
        stop=stop,
    )
    return training, model, saved
