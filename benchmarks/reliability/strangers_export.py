"""An exported network with other weights: found before the file is kept, and in a file at hand."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.reliability.line import Line
from gta.errors import DataError
from gta.export import export_onnx, verify_onnx
from gta.export.agreement import Mismatch, module_of
from gta.export.onnx_file import loaded_form, set_metadata, write_checked
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run

SETTINGS = ("clip.num_frames=4",)
CLASSES = [f"class {i}" for i in range(5)]
CUTS = 50
"""Lengths to which a file is cut, beside those between its parts."""
CHANGE = 1.0
"""Of one number of a tensor, in its largest one."""
UNSEEN = "key.bias"
"""It moves all of a query's products alike, and the softmax over them takes that away again."""


def made(folder: Path, seed: int, *settings: str) -> Run:
    """A run in which no part is zero."""
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), [*SETTINGS, *settings])
    run = Run.create(folder, recipe, CLASSES)
    torch.manual_seed(seed)
    network = run.build()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.weight)
        if type(module) is nn.Linear:
            nn.init.normal_(module.weight, std=0.1)
    run.save_weights(network, "last", epoch=1)
    return run


def parts(content: bytes) -> list[int]:
    """Where the fields of a protobuf message begin: cut there, it is a whole one with less."""

    def number(at: int) -> tuple[int, int]:
        value, shift = 0, 0
        while True:
            value |= (content[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if content[at - 1] < 128:
                return value, at

    found, at = list[int](), 0
    while at < len(content):
        found.append(at)
        kind, at = number(at)
        size, after = number(at)
        at = after + size if kind & 7 == 2 else after
    return found


def planted(model: Any) -> Iterator[tuple[str, str, Any]]:
    """For each tensor: its name, the module that uses it, the model with a number of it changed."""
    import onnx
    from onnx import numpy_helper

    for index, tensor in enumerate(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 2:
            continue
        owner = next(module_of(node) for node in model.graph.node if tensor.name in node.input)
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        values = values.copy()
        values.flat[values.size // 2] += CHANGE * max(float(np.abs(values).max()), 1.0)
        changed.graph.initializer[index].CopyFrom(numpy_helper.from_array(values, tensor.name))
        yield tensor.name, owner, changed


def lines() -> Iterator[Line]:
    """Line 30."""
    import onnx

    with tempfile.TemporaryDirectory(prefix="gta-export-") as name:
        folder = Path(name)
        run, path = made(folder / "run", 0), folder / "model.onnx"
        export_onnx(run, path)
        model, form = onnx.load(str(path)), loaded_form(run, stream=False, best=False)[0]
        faults, counts = (
            list[str](),
            dict.fromkeys(("weights", "named", "unseen", "cuts", "others"), 0),
        )
        if (told := said(run, path)) != "accepted":
            faults.append(f"its own file: {told}")
        other = folder / "other.onnx"
        for tensor, owner, changed in planted(model):
            counts["weights"] += 1
            onnx.save(changed, str(other))
            later = said(run, other)
            other.unlink()
            if tensor.endswith(UNSEEN):  # no answer of any input shows it
                counts["unseen"] += later == "accepted"
                continue
            if "is not this run's" not in later or "first layer" not in later:
                faults.append(f"{tensor}, in a file at hand: {later}")
            counts["named"] += later.endswith(f"the first layer that differs is {owner}")
            try:
                write_checked(changed, other, form)
                faults.append(f"{tensor}: the file was kept")
                other.unlink()
            except Mismatch as error:
                if "was not written" not in str(error) or "first layer" not in str(error):
                    faults.append(f"{tensor}, before it is kept: {error}")
                if other.exists():
                    faults.append(f"{tensor}: something is left of the file")
        content = path.read_bytes()
        cut = np.random.default_rng(0).integers(0, len(content), CUTS).tolist()
        for length in sorted({*parts(content), *cut}):
            counts["cuts"] += 1
            other.write_bytes(content[:length])
            if (told := said(run, other)).startswith(("accepted", "not said")):
                faults.append(f"cut to {length} of {len(content)} bytes: {told}")
        for what, told in of_others(folder, run, model):
            counts["others"] += 1
            if "is not this run's" not in told:
                faults.append(f"{what}: {told[:200]}")
        yield Line(
            30,
            "an exported network with other weights",
            "; ".join(faults[:3])
            or f"{counts['weights'] - counts['unseen']} tensors changed one by one, each found "
            f"before the file is kept and in a file at hand, with the first layer that differs, "
            f"{counts['named']} times the one that uses the tensor; {counts['unseen']} more change "
            f"no answer; {counts['cuts']} files cut short and {counts['others']} of other "
            f"networks, labels or preprocessing, all found",
            "all",
            not faults,
        )


def of_others(folder: Path, run: Run, model: Any) -> Iterator[tuple[str, str]]:
    """Files that are whole, and of something else; what is said of each."""
    import onnx

    path = folder / "of_another.onnx"
    for what, seed, *settings in (
        ("the same network trained with another seed", 1),
        ("a wider network", 0, "model.width=32"),
        ("a network for streams", 0, "model.causal=true"),
    ):
        export_onnx(made(folder / what, seed, *settings), path)
        yield what, said(run, path)
    swapped = [CLASSES[1], CLASSES[0], *CLASSES[2:]]
    for key, value in (
        ("labels", swapped),
        ("labels", CLASSES[:-1]),
        ("mean", [0.5, 0.5, 0.5]),
        ("std", [1, 1, 1]),
        ("size", 96),
        ("resize", 256),
        ("frames", 8),
        ("sampling", "dense"),
        ("stride", 2),
    ):
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        set_metadata(changed, {key: json.dumps(value)})
        onnx.save(changed, str(path))
        yield f"{key} of {value}", said(run, path)


def said(run: Run, path: Path) -> str:
    """What `gta export RUN --check FILE` says."""
    try:
        verify_onnx(run, path)
        return "accepted"
    except (Mismatch, DataError) as error:
        return str(error)
    except Exception as error:  # that a person would see as a traceback
        return f"not said: {type(error).__name__}: {error}"
