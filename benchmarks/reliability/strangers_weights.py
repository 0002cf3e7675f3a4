"""Weights of another network, another number of classes or frames: said, never bent in silence."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from benchmarks.reliability.line import Line
from gta.backbones.weights import load_weights, read_weights
from gta.errors import UsageError
from gta.recipes import find_recipe, read_recipe, with_settings
from gta.runs import Run, build_network
from gta.tensor_files import write_tensors


def made(folder: Path, *settings: str, classes: int = 4) -> Run:
    """A run with fresh weights."""
    recipe = with_settings(read_recipe(find_recipe("ordered", "tiny_gta")), settings)
    run = Run.create(folder, recipe, [f"class {i}" for i in range(classes)])
    run.save_weights(build_network(recipe, classes), "last", epoch=1)
    return run


def said(work: Callable[[], object]) -> str:
    try:
        return f"accepted: {work()}"
    except UsageError as error:
        return str(error)


def lines() -> Iterator[Line]:
    """Line 22."""
    with tempfile.TemporaryDirectory(prefix="gta-weights-") as name:
        folder = Path(name)
        torch.manual_seed(0)
        run, other = made(folder / "run"), made(folder / "other", "model.width=32")
        more = made(folder / "more", classes=7)
        longer = made(folder / "longer", "clip.num_frames=16")
        faults = list[str]()
        for what, source in (("classes", more), ("network", other), ("frames", longer)):
            weights = source.folder / "last.safetensors"
            target = Run.create(folder / f"of {what}", run.recipe, run.classes)
            (target.folder / "last.safetensors").write_bytes(weights.read_bytes())
            told = said(target.load)  # as the weights of a run
            if "does not fit its recipe, 4 classes" not in told:
                faults.append(f"{what}, as a run's: {told[:200]}")
            network = build_network(run.recipe, 4)
            before = {key: value.clone() for key, value in network.state_dict().items()}
            try:  # as a start
                report = load_weights(network, read_weights(weights))
                told = str(report) + "; ".join(report.differences)
            except UsageError as error:
                told = str(error)
            if what == "classes":
                kept = torch.equal(network.state_dict()["fc.weight"], before["fc.weight"])
                right = "7" in told and kept
            else:
                right = "shape" in told or "16" in told
            if not right:
                faults.append(f"{what}, as a start: {told[:300]}")
        spoiled = folder / "spoiled.safetensors"
        network = build_network(run.recipe, 4)
        tensors = {key: value.clone() for key, value in network.state_dict().items()}
        tensors["fc.weight"][0] = torch.nan
        write_tensors(spoiled, tensors, {})
        if "NaN" not in (told := said(lambda: load_weights(network, read_weights(spoiled)))):
            faults.append(f"numbers that are NaN: {told[:200]}")
        yield Line(
            22,
            "weights of 7 classes for 4, of another width, of 16 frames for 8, of NaN",
            "; ".join(faults) or "said, with the tensors that differ; nothing is bent in silence",
            "all",
            not faults,
        )
