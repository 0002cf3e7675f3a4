"""Checks whether an existing ONNX file is of a run: its metadata and its results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from gta.errors import DataError, UsageError
from gta.export.about import about
from gta.export.agreement import Mismatch, check, first_difference, runner
from gta.export.forms import Form
from gta.export.onnx_file import loaded_form, require_onnx
from gta.runs import Run, open_run

COMPARED = (
    *("labels", "mean", "std", "size", "resize", "frames", "sampling", "stride"),
    *("protocol", "backbone"),
)
"""Metadata on which the meaning of inputs and outputs depends."""


def verify_onnx(
    source: Run | str | Path, path: str | Path, *, best: bool = False, clips: Sequence[Tensor] = ()
) -> float:
    """Compares a file of `export_onnx` with a run, as when it was written.

    Args:
        source: A run, or anything that `gta.load` takes.
        path: The file, float32.
        best: The weights of the best epoch instead of the last.
        clips: Real clips, normalized, (1, 3, T, H, W) of the protocol's size.

    Returns:
        The largest difference from the network, as a share of the largest logit.

    Raises:
        DataError: The file does not exist, or is no complete ONNX file of this package.
        Mismatch: It is of another run, or was changed. The message names the first layer that
            differs.
        UsageError: It has fewer bits than the run, so its results always differ.
    """
    require_onnx()
    run, path = open_run(source), Path(path)
    model = _read(path)
    known = _metadata(path, model)
    if known.get("precision") != "fp32":
        raise UsageError(
            f"{path} is {known.get('precision')}: it differs from the run by its rounding, which "
            f"`gta export RUN --benchmark` measures; --check is for fp32"
        )
    form, weights = loaded_form(run, stream=known.get("form") == "step", best=best)
    own = json.loads(json.dumps(about(run, weights, form)))
    if missing := own.keys() - known.keys():
        raise DataError(
            f"{path} is incomplete: its metadata lacks {', '.join(sorted(missing))}. Write it "
            f"again with --out"
        )
    for name in COMPARED:
        if known.get(name) != own[name]:
            raise Mismatch(
                f"{path} is not this run's: its {name} {_short(known.get(name))}, and the run's "
                f"{_short(own[name])}"
            )
    inputs = [given.name for given in model.graph.input]
    if inputs != form.inputs:
        raise Mismatch(
            f"{path} is not this run's: it takes {len(inputs)} inputs, {', '.join(inputs[:3])} "
            f"..., and the network {len(form.inputs)}"
        )
    return _compared(path, model, form, clips)


def _compared(path: Path, model: Any, form: Form, clips: Sequence[Tensor]) -> float:
    try:
        return check(form, runner(path), clips)
    except Mismatch as error:
        layer = first_difference(form, model, error.given)
        where = f"; the first layer that differs is {layer}" if layer else ""
        raise Mismatch(f"{path} is not this run's: {error}{where}") from error
    except Exception as error:  # onnxruntime raises many types, for shapes that do not fit
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise Mismatch(
            f"{path} is not this run's: it does not run on the network's input ({reason[0]})"
        ) from error


def _read(path: Path) -> Any:
    import onnx

    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(str(path))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except Exception as error:  # protobuf, onnx and the file system raise many types
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{path} cannot be read as a whole ONNX file ({reason[0]})") from error
    return model


def _metadata(path: Path, model: Any) -> dict[str, Any]:
    try:
        known = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    except ValueError as error:
        raise DataError(f"{path}: its metadata is not JSON ({error})") from error
    if "labels" not in known:
        raise DataError(f"{path} has no labels in its metadata: `gta export` writes them")
    return known


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"are {text}" if len(text) < 60 else f"are {text[:57]}..."
