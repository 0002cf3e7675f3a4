"""Stopped after each step of two epochs, and gone on with other loader processes: the same run."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import nn

from benchmarks.reliability.commands import SMALL, small_set
from benchmarks.reliability.line import Line
from gta.config import Recipe
from gta.progress import Silent
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training import loop
from gta.training.processes import Processes
from gta.training.recipe_training import Training
from gta.training.splits import load_splits
from gta.training.stopping import Stop, Stopped

DRAWS = ("augment.mixup=0.4", "augment.cutmix=0.4", "augment.erase=0.3", "train.ema=0.5")
"""All that is drawn at random for a sample or a batch, and an average of the weights."""


class StopAfter(Silent):
    """A signal comes after so many steps."""

    def __init__(self, stop: Stop, steps: int):
        self.stop, self.left = stop, steps

    @contextmanager
    def track(self, what: str, total: int) -> Iterator:
        def advance(done: int, note: str) -> None:
            if what.startswith("epoch"):
                self.left -= 1
                if self.left == 0:
                    self.stop._handle(signal.SIGTERM, None)

        yield advance


def trained(recipe: Recipe, folder: Path, steps: int = 0) -> Training:
    """Trains to the end, or up to a number of steps; goes on with what is in the folder."""
    folder.mkdir(exist_ok=True)
    splits, stop = load_splits(recipe, Silent()), Stop()
    torch.manual_seed(recipe.train.seed)
    model = build_network(recipe, len(splits.train.classes))
    training = Training(
        *(model, splits, recipe, folder, Processes(torch.device("cpu"))),
        save_weights=lambda tensors, names, epoch: None,
        report=StopAfter(stop, steps),
        stop=stop,
    )
    with suppress(Stopped):
        training.run()
    return training


def differing(one: Training, other: Training) -> int:
    """Tensors of the model, its average and the optimiser that are not equal to the bit."""

    def tensors(training: Training) -> dict[str, torch.Tensor]:
        modules: dict[str, nn.Module | None] = {
            "model": training.model,
            "average": training.averaged,
        }
        states = {name: m.state_dict() for name, m in modules.items() if m is not None}
        states |= {str(i): kept for i, kept in training.optimizer.state_dict()["state"].items()}
        return {
            f"{name} {key}": value
            for name, state in states.items()
            for key, value in state.items()
            if isinstance(value, torch.Tensor)
        }

    ours, theirs = tensors(one), tensors(other)
    both = ours.keys() & theirs.keys()
    alone = len(ours.keys() ^ theirs.keys())
    return alone + sum(not torch.equal(ours[key], theirs[key]) for key in both)


def lines() -> Iterator[Line]:
    """Lines 2 and 3."""
    show_every, loop._SHOW_EVERY = loop._SHOW_EVERY, -1  # a call after each step
    try:
        with tempfile.TemporaryDirectory(prefix="gta-resume-") as name:
            root = small_set(Path(name) / "data")
            batches = ["train.epochs=2", "train.batch_size=15", "data.workers=0"]
            settings = [*SMALL, *DRAWS, *batches, f"data.root={root}"]
            recipe = read_recipe(find_recipe("ordered", "tiny_gta"), settings)
            calm = trained(recipe, Path(name) / "calm")
            steps = 2 * -(-44 // 15)
            found = []
            for step in range(1, steps + 1):
                folder = Path(name) / str(step)
                trained(recipe, folder, step)
                found.append(differing(calm, trained(recipe, folder)))
            yield Line(
                2,
                f"stopped after each of {steps} steps of 2 epochs, and gone on",
                f"{sum(found)} tensors of weights, average and optimiser differ at the end",
                "0",
                not any(found),
            )
            found = []
            for before, after in ((0, 2), (2, 0), (1, 3)):
                folder = Path(name) / f"workers{before}{after}"
                for workers, stop in ((before, 3), (after, 0)):
                    data = recipe.data.model_copy(update={"workers": workers})
                    again = trained(recipe.model_copy(update={"data": data}), folder, stop)
                found.append(differing(calm, again))
            yield Line(
                3,
                "gone on with 2 loader processes instead of 0, 0 of 2, 3 of 1",
                f"{sum(found)} tensors differ at the end",
                "0",
                not any(found),
            )
    finally:
        loop._SHOW_EVERY = show_every
