"""Compares a file with the network, and finds the first layer that differs."""

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gta.errors import UsageError
from gta.export.forms import Form

TOLERANCE = 1e-4
"""Largest difference, as a share of the largest logit or of 1."""

Run = Callable[[Sequence[Tensor]], list[Tensor]]
"""Runs a file: takes arguments and returns results, both in order."""


class Mismatch(UsageError):
    """A file whose results differ from the network's. Exit code 1.

    Args:
        said: The message.
        given: The arguments on which the results differ.
    """

    exit_code = 1

    def __init__(self, said: str, given: tuple[Tensor, ...] = ()):
        super().__init__(said)
        self.given = given


def session(path: Path | bytes) -> Any:
    """An ONNX file in onnxruntime, on the CPU with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = path if isinstance(path, bytes) else str(path)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def runner(path: Path | bytes) -> Run:
    """Runs an ONNX file."""
    opened = session(path)
    names = [given.name for given in opened.get_inputs()]

    def run(arguments: Sequence[Tensor]) -> list[Tensor]:
        fed = {n: np.ascontiguousarray(a.numpy()) for n, a in zip(names, arguments, strict=True)}
        return [torch.from_numpy(np.asarray(result)) for result in opened.run(None, fed)]

    return run


def module_runner(module: Callable[..., Tensor | Sequence[Tensor]]) -> Run:
    """Runs a module of torch."""

    def run(arguments: Sequence[Tensor]) -> list[Tensor]:
        results = module(*arguments)
        return [results] if isinstance(results, Tensor) else list(results)

    return run


def trials(form: Form, clips: Sequence[Tensor]) -> Iterator[tuple[str, list[tuple[Tensor, ...]]]]:
    """Trials: (description, the first arguments of each step).

    Args:
        form: What was exported.
        clips: Real clips, normalized, (1, 3, T, H, W).
    """
    draw = torch.Generator().manual_seed(1)
    example = form.arguments[0]
    for batch in (1, 3):
        shape = (batch, *example.shape[1:])
        frames = 4 if form.streams else 1
        yield (
            f"random input, batch of {batch}",
            [(torch.randn(shape, generator=draw),) for _ in range(frames)],
        )
    for number, clip in enumerate(clips):
        frames = [(frame,) for frame in clip.unbind(2)] if form.streams else [(clip,)]
        yield f"real clip {number + 1}", frames


@torch.no_grad()
def check(form: Form, run: Run, clips: Sequence[Tensor], tolerance: float = TOLERANCE) -> float:
    """The greatest difference of logits and states, as a share of the largest of them.

    Raises:
        Mismatch: The difference is larger than the tolerance.
    """
    worst = 0.0
    for what, inputs in trials(form, clips):
        batch = len(inputs[0][0])
        state = tuple(tensor.expand(batch, *tensor.shape[1:]) for tensor in form.state.values())
        theirs = state
        for first in inputs:
            results = form.module(*first, *state)
            expected = [results] if isinstance(results, Tensor) else list(results)
            actual = run([*first, *theirs])
            for own, other in zip(expected, actual, strict=True):
                scale = max(float(own.abs().max()), 1.0)
                difference = float((own - other.float()).abs().max()) / scale
                if not difference <= tolerance:  # also NaN
                    raise Mismatch(
                        f"it differs from the network by {difference:.2g} on {what}, more than "
                        f"{tolerance:g} of the largest number",
                        (*first, *state),
                    )
                worst = max(worst, difference)
            state, theirs = tuple(expected[1:]), tuple(actual[1:])
    return worst


@torch.no_grad()
def first_difference(
    form: Form, model: Any, given: tuple[Tensor, ...] = (), tolerance: float = TOLERANCE
) -> str | None:
    """The first layer, in the order in which they run, whose output differs in an ONNX model.

    A layer is a module without children. A convolution and the normalization after it are one node
    of the file, under the name of the normalization.

    Args:
        form: What was exported.
        model: An `onnx.ModelProto` of it.
        given: Arguments; default: those of the form's example.
        tolerance: Largest difference, as a share of the largest value of an output.
    """
    import onnx

    given = given or form.arguments
    seen: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(_keep(seen, name))
        for name, module in form.module.named_modules()
        if name and not [*module.children()]
    ]
    try:
        form.module(*given)
    finally:
        for handle in handles:
            handle.remove()
    last: dict[str, str] = {}
    for node in model.graph.node:
        name = module_of(node)
        if name in seen and node.output:
            last.pop(name, None)  # in the order of their ends
            last[name] = node.output[0]
    wider = onnx.ModelProto()
    wider.CopyFrom(model)
    there = {output.name for output in wider.graph.output}
    for output in last.values():
        if output not in there:
            wider.graph.output.append(onnx.ValueInfoProto(name=output))
            there.add(output)
    opened = session(wider.SerializeToString())
    names = [taken.name for taken in opened.get_inputs()]
    fed = {n: np.ascontiguousarray(a.numpy()) for n, a in zip(names, given, strict=True)}
    wanted = list(last.values())
    for (name, _), array in zip(last.items(), opened.run(wanted, fed), strict=True):
        expected, actual = seen[name], torch.from_numpy(np.asarray(array))
        if expected.shape != actual.shape:
            continue
        scale = max(float(expected.abs().max()), 1.0)
        if not float((expected - actual.float()).abs().max()) / scale <= tolerance:
            return name.removeprefix(form.prefix)
    return None


def module_of(node: Any) -> str:
    """The module whose forward has the operation of an ONNX node, from torch's metadata."""
    notes = {note.key: note.value for note in node.metadata_props}
    try:
        scopes = ast.literal_eval(notes.get("pkg.torch.onnx.name_scopes", "[]"))
    except (ValueError, SyntaxError):
        return ""
    return scopes[-2] if len(scopes) > 1 else ""


def _keep(seen: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.is_floating_point():
            seen[name] = output.clone()

    return hook
