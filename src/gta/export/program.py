"""A network as a program of torch.export, *.pt2, for torch without this package and for C++."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gta.export.about import about
from gta.export.agreement import Run as Runner
from gta.export.agreement import module_runner
from gta.export.forms import exported
from gta.export.kept import Exported, keep_checked
from gta.export.onnx_file import loaded_form
from gta.runs import Run, open_run

ABOUT = "gta.json"
"""Name of the file with labels and preprocessing within the program."""
_FREE = {0: "batch", 3: "height", 4: "width"}
"""Names of the axes that may be free: the batch, and the sizes of clips."""


def export_program(
    source: Run | str | Path,
    path: str | Path,
    *,
    stream: bool = False,
    best: bool = False,
    clips: Sequence[Tensor] = (),
) -> Exported:
    """Writes a run's network as torch.export's program, checked before the file is kept.

    Arguments and results are those of `export_onnx`, in the same order. Labels and preprocessing
    are JSON in it: `files = {"gta.json": ""}; torch.export.load(path, extra_files=files)`.

    Args:
        source: A run, or anything that `gta.load` takes.
        path: The file, *.pt2.
        stream: One step of a causal network instead of whole clips.
        best: The weights of the best epoch instead of the last.
        clips: Real clips for the check, normalized, (1, 3, T, H, W) of the protocol's size.

    Raises:
        UsageError: There is no such run, or it cannot be traced.
        Mismatch: The file's results differ from the network's; it is not kept.
    """
    run, path = open_run(source), Path(path)
    form, weights = loaded_form(run, stream=stream, best=best)
    program = exported(form)
    metadata = json.dumps(about(run, weights, form), ensure_ascii=False)

    def write(part: Path) -> None:
        torch.export.save(program, part, extra_files={ABOUT: metadata})

    difference = keep_checked(path, write, program_runner, form, clips)
    inputs = dict(zip(form.inputs, _shapes(program), strict=True))
    return Exported(path, difference, inputs, {}, len(clips))


def program_runner(path: Path) -> Runner:
    """Runs a file of torch.export."""
    return module_runner(torch.export.load(path).module())


def _shapes(program: torch.export.ExportedProgram) -> list[list[int | str]]:
    """The shape of each input, with the names of free axes."""
    given = set(program.graph_signature.user_inputs)
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    return [
        [_FREE[axis] if isinstance(n, torch.SymInt) else n for axis, n in enumerate(shape)]
        for shape in (node.meta["val"].shape for node in nodes if node.name in given)
    ]
