"""What is exported: a network's pass over clips, or its step for a frame of a stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gta.backbones import FrameResNet, SlowFast
from gta.backbones.stream import State, initial_state, step
from gta.errors import UsageError

FRAME, CLIPS, LOGITS = "frame", "clips", "logits"
EXAMPLES = 2
"""Clips in the example: torch.export takes a size of 1 as constant."""


class Step(nn.Module):
    """`step` of a causal network with its state as arguments and results, in order."""

    def __init__(self, network: nn.Module, names: Sequence[str]):
        super().__init__()
        self.network = network
        self.names = tuple(names)

    def forward(self, frame: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        before = dict(zip(self.names, state, strict=True))
        logits, after = step(self.network, frame, before)
        return logits, *(after[name] for name in self.names)


@dataclass(frozen=True, slots=True)
class Form:
    """A module to export, with an example of its arguments and the names of both sides."""

    module: nn.Module
    arguments: tuple[Tensor, ...]
    inputs: list[str]
    outputs: list[str]
    state: State
    """A stream's state before its first frame; empty: the module takes clips."""

    @property
    def streams(self) -> bool:
        """Whether the module takes one frame of a stream."""
        return bool(self.state)

    @property
    def prefix(self) -> str:
        """The prefix of the names of the network's own modules."""
        return "network." if self.streams else ""

    def dynamic_shapes(self, *, sizes: bool) -> Any:
        """The free axes: the batch, and with `sizes` also H and W of clips."""
        batch, free = torch.export.Dim.DYNAMIC, torch.export.Dim.AUTO
        if self.streams:
            return {0: batch}, tuple({0: batch} for _ in self.arguments[1:])  # frame, *state
        return ({0: batch, 3: free, 4: free} if sizes else {0: batch},)


def form_of(network: nn.Module, *, frames: int, size: int, stream: bool) -> Form:
    """A network in the form in which it is exported.

    Args:
        network: In evaluation mode, on the CPU.
        frames: T of its clips.
        size: H and W of the example; a stream's frames are fixed to it.
        stream: One frame of a stream instead of whole clips.

    Raises:
        UsageError: The network has no stream.
    """
    draw = torch.Generator().manual_seed(0)
    if not stream:
        clips = torch.randn(EXAMPLES, 3, frames, size, size, generator=draw)
        return Form(network, (clips,), [CLIPS], [LOGITS], {})
    try:
        state = initial_state(network, EXAMPLES, size, size)
    except ValueError as error:
        raise UsageError(f"there is no step to export: {error}") from error
    names = list(state)
    frame = torch.randn(EXAMPLES, 3, size, size, generator=draw)
    return Form(
        Step(network, names),
        (frame, *state.values()),
        [FRAME, *(f"state.{name}" for name in names)],
        [LOGITS, *(f"next.{name}" for name in names)],
        {name: tensor[:1] for name, tensor in state.items()},
    )


def pads_by_size(network: nn.Module) -> bool:
    """Whether a part's padding depends on height and width, as TensorFlow's and timm's does.

    With free sizes torch would nest conditions without end.
    """
    return any(type(module).__name__.endswith("2dSame") for module in network.modules())


def pools_in_windows(network: nn.Module) -> bool:
    """Whether a part pools larger features in windows, and a feature of one window otherwise."""
    return any(
        isinstance(part, FrameResNet | SlowFast) and part.window is not None
        for part in network.modules()
    )


def holds_at_other_sizes(program: torch.export.ExportedProgram, form: Form) -> bool:
    """Whether a program with free sizes is right for smaller and for larger clips.

    A network may branch on the size. torch then keeps a condition in the program, which ONNX does
    not have.
    """
    _, C, T, H, W = form.arguments[0].shape
    draw = torch.Generator().manual_seed(2)
    for height, width in ((7 * H // 8, 7 * W // 8), (3 * H // 2, 5 * W // 4)):
        clips = torch.randn(1, C, T, height, width, generator=draw)
        try:
            actual, expected = program.module()(clips), form.module(clips)
        except Exception:  # torch raises many types
            return False
        if not torch.allclose(actual, expected, atol=1e-3 * max(float(expected.abs().max()), 1)):
            return False
    return True


def exported(form: Form) -> torch.export.ExportedProgram:
    """The traced program; if H and W cannot be free, they are fixed to those of the example.

    Raises:
        UsageError: torch cannot trace the network.
    """
    last: Exception | None = None
    fixed = pads_by_size(form.module) or pools_in_windows(form.module)
    for sizes in (False,) if fixed else (True, False):
        try:
            with torch.no_grad():
                program = torch.export.export(
                    form.module,
                    form.arguments,
                    dynamic_shapes=form.dynamic_shapes(sizes=sizes),
                    strict=False,
                )
                if not sizes or form.streams or holds_at_other_sizes(program, form):
                    return program
        except Exception as error:  # torch raises many types
            last = error
            if form.streams:
                break
    reason = str(last).strip().splitlines()
    raise UsageError(
        f"torch.export cannot trace this network: {reason[0] if reason else type(last).__name__}"
    ) from last
