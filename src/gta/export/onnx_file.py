"""A network as an ONNX file, kept only if onnxruntime's results are torch's."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gta.errors import UsageError
from gta.export.about import about, as_text
from gta.export.agreement import first_difference, runner
from gta.export.forms import Form, exported, form_of
from gta.export.kept import Exported, keep_checked
from gta.protocols import parse_protocol
from gta.runs import Run, open_run


def export_onnx(
    source: Run | str | Path,
    path: str | Path,
    *,
    stream: bool = False,
    best: bool = False,
    clips: Sequence[Tensor] = (),
) -> Exported:
    """Writes a run's network as ONNX, float32, checked with onnxruntime before the file is kept.

    Input is `clips` (B, 3, T, H, W), output `logits` (B, num_classes); of a stream `frame`
    (B, 3, H, W) and each state as `state.NAME` and `next.NAME`, zeros before the first frame.
    B is free, and H and W of clips if the network allows it. Labels and preprocessing are JSON
    texts in the file's metadata.

    Args:
        source: A run, or anything that `gta.load` takes.
        path: The file, *.onnx.
        stream: One step of a causal network instead of whole clips.
        best: The weights of the best epoch instead of the last.
        clips: Real clips for the check, normalized, (1, 3, T, H, W) of the protocol's size.

    Raises:
        UsageError: There is no such run, or it cannot be traced, or the extra is missing.
        Mismatch: The file's results differ from the network's; it is not kept.
    """
    require_onnx()
    run, path = open_run(source), Path(path)
    form, weights = loaded_form(run, stream=stream, best=best)
    model = onnx_model(form)
    set_metadata(model, as_text(about(run, weights, form)))
    return write_checked(model, path, form, clips)


def loaded_form(run: Run, *, stream: bool, best: bool) -> tuple[Form, str]:
    """A run's network in the form in which it is exported, and which weights it has."""
    network, weights = run.load(best=best)
    size = parse_protocol(run.recipe.test.protocol).size
    frames = run.recipe.clip.num_frames
    return form_of(network, frames=frames, size=size, stream=stream), weights


def onnx_model(form: Form, program: torch.export.ExportedProgram | None = None) -> Any:
    """The form as an `onnx.ModelProto`; `program` is the result of `exported`, if at hand."""
    program = program or exported(form)
    with _quiet(), torch.no_grad():
        made = torch.onnx.export(
            program, (), dynamo=True, verbose=False, **_names(form.inputs, form.outputs)
        )
    assert made is not None
    model = made.model_proto
    for given in (*model.graph.input, *model.graph.output):
        dimensions = given.type.tensor_type.shape.dim
        if dimensions and dimensions[0].dim_param:
            _rename(model, dimensions[0].dim_param, "batch")
    for axis, name in ((3, "height"), (4, "width")):
        dimensions = model.graph.input[0].type.tensor_type.shape.dim
        if len(dimensions) > axis and dimensions[axis].dim_param:
            _rename(model, dimensions[axis].dim_param, name)
    return model


def write_checked(model: Any, path: Path, form: Form, clips: Sequence[Tensor] = ()) -> Exported:
    """Writes an ONNX model under a temporary name, checks it, and renames it.

    Raises:
        Mismatch: The results differ from the network's; the file is removed.
    """
    import onnx

    def write(part: Path) -> None:
        onnx.save(model, str(part))
        onnx.checker.check_model(str(part))

    where = partial(first_difference, form, model)
    difference = keep_checked(path, write, runner, form, clips, where)
    shapes = [
        {
            given.name: [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
            for given in side
        }
        for side in (model.graph.input, model.graph.output)
    ]
    return Exported(path, difference, shapes[0], shapes[1], len(clips))


def set_metadata(model: Any, texts: dict[str, str]) -> None:
    """Puts texts into the metadata, replacing earlier texts of these names."""
    import onnx

    kept = {entry.key: entry.value for entry in model.metadata_props} | texts
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)


def require_onnx() -> None:
    """Raise `UsageError` unless the extra `export` is installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"ONNX needs {error.name}: pip install 'gta-video[export]'; --format pt2 needs nothing"
        ) from error


def _names(inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    return {"input_names": inputs, "output_names": outputs}


def _rename(model: Any, before: str, after: str) -> None:
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param == before:
                dimension.dim_param = after


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides torch.onnx's messages about its own steps."""
    levels = {name: logging.getLogger(name).level for name in ("torch.onnx", "onnxscript")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
