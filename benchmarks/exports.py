"""Which named models can be exported, in which forms, and how long that takes.

    python -m benchmarks.exports --out benchmarks/results/exports.json             # all
    python -m benchmarks.exports --out benchmarks/results/exports.json lite0 tiny_gta
    python -m benchmarks.exports --out benchmarks/results/exports.json --missing   # goes on

Each is built whole, with drawn weights, and exported for clips of 64 pixels and 4 frames (SlowFast:
32). What the file calls exported has computed what torch does, to 1e-4, in batches of 1 and
3; where height and width are said to be free, at 96x80 pixels too. Seconds are
those of a processor, of tracing and of all further steps together.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.output import about, write
from gta.blocks import GloRe
from gta.config import SlowFastModel
from gta.export.agreement import Mismatch, check, module_runner, runner
from gta.export.forms import Form, exported, form_of
from gta.export.onnx_file import onnx_model
from gta.models import MODELS, build

SIZE, OTHER_SIZE = 64, (96, 80)
FRAMES, SLOWFAST_FRAMES = 4, 32


def network_of(name: str) -> tuple[nn.Module, int]:
    """A named model in which no part is zero, in evaluation mode, and the frames of its clips."""
    frames = SLOWFAST_FRAMES if isinstance(MODELS[name], SlowFastModel) else FRAMES
    torch.manual_seed(0)
    network = build(MODELS[name], num_classes=5, num_frames=frames)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.weight)
        if type(module) is nn.Linear:
            nn.init.normal_(module.weight, std=0.1)
    for module in network.modules():
        if isinstance(module, GloRe):  # gives the third power of its input: with more, no numbers
            nn.init.normal_(module.norm.weight, std=1e-4)
    return network.eval(), frames


def seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and seconds of a processor."""
    began = time.process_time()
    return work(), time.process_time() - began


@torch.no_grad()
def at_another_size(form: Form, run: Callable[..., Any]) -> None:
    """Raise `Mismatch` where clips of another height and width give something else."""
    clips = torch.randn(1, 3, form.arguments[0].shape[2], *OTHER_SIZE)
    expected, (found,) = form.module(clips), run((clips,))
    if not torch.allclose(expected, found, atol=1e-4 * max(float(expected.abs().max()), 1)):
        raise Mismatch(f"it differs from the network at {OTHER_SIZE}")


def tried(form: Form) -> dict[str, Any]:
    """What of a form was exported and found right."""
    program, tracing = seconds(lambda: exported(form))
    found: dict[str, Any] = {"torch.export": check(form, module_runner(program.module()), [])}
    model, rest = seconds(lambda: onnx_model(form, program))
    run = runner(model.SerializeToString())
    found["onnx"] = check(form, run, [])
    shape = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    found["batch"] = shape[0] == "batch"
    found["size"] = shape[3:] == ["height", "width"]
    if found["size"]:
        at_another_size(form, run)
    return {**found, "seconds": [round(tracing, 1), round(rest, 1)]}


def of_model(name: str) -> dict[str, Any]:
    """What is said of a named model: its clips and, of a causal one, its step; or the failure."""
    network, frames = network_of(name)
    streams = [False, True] if getattr(network, "causal", False) else [False]
    found = {}
    for stream in streams:
        form = form_of(network, frames=frames, size=SIZE, stream=stream)
        key = "step" if stream else "clips"
        try:
            found[key] = tried(form)
        except Exception as error:  # whatever it is, the table says it
            found[key] = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each model."""
    lines = [
        "| model | torch.export | ONNX | batch | H, W | step | seconds | greatest difference |",
        "| --- | --- | --- | --- | --- | --- | ---: | ---: |",
    ]
    for name, forms in sorted(found["results"].items()):
        clips, step = forms["clips"], forms.get("step")
        if "failed" in clips:
            lines.append(f"| `{name}` | {clips['failed']} | | | | | | |")
            continue
        stream = "" if step is None else "fails" if "failed" in step else "yes"
        worst = max(
            max(form.get("onnx", 0), form.get("torch.export", 0)) for form in forms.values()
        )
        taken = sum(sum(form.get("seconds", [])) for form in forms.values())
        free = "free" if clips["size"] else "fixed"
        batch = "free" if clips["batch"] else "fixed"
        cells = f"yes | yes | {batch} | {free} | {stream} | {taken:.0f} | {worst:.0e}"
        lines.append(f"| `{name}` | {cells} |")
    if left := sorted(MODELS.keys() - found["results"].keys()):
        names = ", ".join(f"`{name}`" for name in left)
        lines += ["", f"Not tried whole yet, {len(left)} of {len(MODELS)}: {names}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="MODEL")
    parser.add_argument("--missing", action="store_true", help="only those without a result")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    results: dict[str, Any] = {}
    if given.out is not None and given.out.is_file():
        results = json.loads(given.out.read_text())["results"]
    torch.set_num_threads(1)
    for name in given.names or MODELS:
        if given.missing and name in results:
            continue
        results[name] = of_model(name)
        print(name, json.dumps(results[name]), flush=True)
        write({**about("torch", "onnx", "onnxruntime"), "results": results}, given.out)


if __name__ == "__main__":
    main()
