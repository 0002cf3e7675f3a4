"""A causal network frame by frame: what `step` and its neighbors of every network do.

The state is explicit: a dictionary of tensors of four dimensions, by the names of the modules that
keep them. It is not changed; each step gives the next state.
"""

import re

import torch
from torch import Tensor, nn

from gta.backbones.clips import require_clips
from gta.blocks.causal import Memory
from gta.blocks.non_local import AlongSpace

State = dict[str, Tensor]
"""What a network keeps of earlier frames, (B, frames, positions, channels) each, by module."""


def memories(network: nn.Module) -> dict[str, Memory]:
    """The modules that keep something of earlier frames, by name.

    Raises:
        ValueError: The network needs whole clips.
    """
    if not getattr(network, "causal", False):
        raise ValueError(
            f"this {type(network).__name__} needs whole clips and has no stream: build it with "
            f"causal=True (model.causal in a recipe; the models *_causal), and train it so"
        )
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, Memory) and module.length
    }


def step(network: nn.Module, frame: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """The next frame of a stream: the logits that `forward` gives of all frames up to it.

    The cost of a frame is always the same. For one stream after another, or several at a time in a
    batch, but not from several threads at once: a network holds the state while it runs.

    Args:
        network: Causal.
        frame: (B, 3, H, W).
        state: What the step before gave; None: this frame is the first.

    Returns:
        Logits (B, num_classes), and the state for the next frame.

    Raises:
        ValueError: The network has no stream, or the state is of another network or of other
            frames.
    """
    kept = memories(network)
    if frame.ndim != 4:
        raise ValueError(
            f"a step takes one frame of each stream, (B, 3, H, W), got {tuple(frame.shape)}: "
            f"frame[None] is a batch of one, and a whole clip (B, 3, T, H, W) goes to the model"
        )
    clip = frame.unsqueeze(2)
    require_clips(clip)
    if state is not None and state.keys() != kept.keys():
        raise ValueError(
            f"the state is of another network: it has {len(state)} tensors and this one keeps "
            f"{len(kept)}; begin with None or initial_state(...)"
        )
    try:
        for name, memory in kept.items():
            past = None if state is None else state[name]
            if past is not None and past.shape[0] != frame.shape[0]:
                raise ValueError(
                    f"the state is of {len(past)} streams, and there are {len(frame)} frames"
                )
            memory.begin(past)
        logits = network(clip)
    finally:
        after = {name: memory.end() for name, memory in kept.items()}
    return logits, {name: past for name, past in after.items() if past is not None}


@torch.no_grad()
def initial_state(network: nn.Module, batch: int, height: int, width: int) -> State:
    """The state before the first frame of a stream: zeros.

    `step` needs it only where states are tensors of a fixed shape, as in an exported network.

    Args:
        network: Causal.
        batch: B, the number of streams.
        height: H of their frames.
        width: W.
    """
    flags = [(module, module.training) for module in network.modules()]
    example = next(p for p in network.parameters() if p.is_floating_point())
    frame = example.new_zeros(batch, 3, height, width)
    try:
        network.eval()
        return {name: torch.zeros_like(x) for name, x in step(network, frame)[1].items()}
    finally:
        for module, training in flags:
            module.training = training


def receptive_field(network: nn.Module) -> int:
    """Frames, the newest and those before it, on which logits depend."""
    return 1 + sum(_reach(network).values())


def delay(network: nn.Module) -> int:
    """Frames after the first until logits are a mean over T frames, as those of training are."""
    memories(network)
    window = getattr(network, "num_frames", 1)
    assert isinstance(window, int)
    return window - 1


def _reach(network: nn.Module) -> dict[str, int]:
    """Frames that each part adds; branches of a block and heads side by side see the same ones."""
    reach: dict[str, int] = {}
    for name, memory in memories(network).items():
        part = name.removesuffix(".memory")
        part = part.removesuffix(".pixel").removesuffix(".region")
        part = re.sub(r"\bheads\.\d+\.", "heads.", part)
        reach[part] = memory.length
    return reach


def require_causal(blocks: nn.Module) -> None:
    """Raise `ValueError` unless inserted blocks see no later frame.

    Those that run within each frame do not, and those that say so: `causal` is true.
    """
    if isinstance(blocks, AlongSpace) or getattr(blocks, "causal", False) is True:
        return
    if isinstance(blocks, nn.Sequential | nn.ModuleDict):
        for block in blocks.children():
            require_causal(block)
        return
    raise ValueError(
        f"{type(blocks).__name__} mixes each frame with later ones, so there is no causal form: "
        f"take blocks within frames (SpatialAttention, AlongSpace(...)) and "
        f"GlobalTemporalAttention(..., causal=True)"
    )
