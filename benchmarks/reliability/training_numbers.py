"""Losses that are not finite: steps left out and counted, and the good checkpoint kept."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from benchmarks.reliability.commands import SMALL, small_set
from benchmarks.reliability.line import Line
from gta.errors import UsageError
from gta.progress import Silent
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run, build_network
from gta.training.checkpoint_folder import CheckpointFolder, verify
from gta.training.processes import Processes
from gta.training.recipe_training import Training
from gta.training.splits import load_splits


class Poisoned(nn.Module):
    """A network whose logits are NaN at some of its training steps."""

    def __init__(self, inner: nn.Module, at: range):
        super().__init__()
        self.inner, self.at, self.steps = inner, at, 0

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        logits = self.inner(clips)
        if self.training:
            self.steps += 1
            if self.steps - 1 in self.at:
                logits = logits * float("nan")
        return logits


def poisoned(root: Path, folder: Path, at: range) -> tuple[Training, str]:
    """A training of 3 epochs with steps that are not finite; what it says at its end."""
    folder.mkdir()
    values = ["train.epochs=3", "train.max_nonfinite=4", "data.workers=0", f"data.root={root}"]
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), [*SMALL, *values])
    splits = load_splits(recipe, Silent())
    run = Run.create(folder, recipe, splits.train.classes)
    torch.manual_seed(0)
    training = Training(
        Poisoned(build_network(recipe, len(splits.train.classes)), at),
        *(splits, recipe, folder, Processes(torch.device("cpu"))),
        save_weights=lambda tensors, names, epoch: run.write_weights(tensors, names, epoch=epoch),
    )
    try:
        training.run()
    except UsageError as error:
        return training, str(error)
    return training, ""


def all_finite(folder: Path) -> bool:
    """Whether checkpoints and weights are whole and hold finite numbers."""
    kept = list(CheckpointFolder(folder / "checkpoints", keep=1).all())
    for path in kept:
        verify(path)
    files = [*folder.rglob("*.safetensors")]
    tensors = [tensor for file in files for tensor in load_file(file).values()]
    return bool(kept) and all(bool(tensor.isfinite().all()) for tensor in tensors)


def lines() -> Iterator[Line]:
    """Line 23."""
    with tempfile.TemporaryDirectory(prefix="gta-numbers-") as name:
        folder = Path(name)
        root = small_set(folder / "data")
        some, told = poisoned(root, folder / "some", range(7, 10))
        counted = [int(entry["train_left_out"]) for entry in some.position.history]
        yield Line(
            23,
            "3 steps in a row whose loss is NaN, of 18",
            f"left out by epoch: {counted}{f'; {told}' if told else ''}",
            "left out and counted, finite weights",
            counted == [0, 3, 0] and not told and all_finite(folder / "some"),
        )
        _, told = poisoned(root, folder / "many", range(7, 100))
        finite = all_finite(folder / "many")
        yield Line(
            23,
            "NaN from the second epoch on, train.max_nonfinite=4",
            f"{told or 'trains on'}; what is kept is {'' if finite else 'not '}finite",
            "stops after 4 in a row, the last good checkpoint kept",
            "4" in told and finite,
        )
