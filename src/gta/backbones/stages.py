"""Where blocks go into a network that nobody has prepared: the ends of its stages."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from gta.backbones.feature_layout import map_layout
from gta.backbones.frame_wise import frame_size_of, left_as_it_was
from gta.errors import UsageError

STRIDES = (8, 16, 32)
"""Of the stages after which blocks are put: the field's res3, res4 and res5."""


def stage_ends(network: nn.Module) -> dict[int, str]:
    """The path of the module that ends each stage, by stride: the last map of that stride.

    Of a network of timm that is what timm says of itself; of another, the outermost module with
    parts that returns the last map of that stride on one empty frame.

    Raises:
        UsageError: It has no such stages, as a plain vision transformer.
    """
    stages = told_by_timm(network) or seen_on_a_frame(network)
    if not stages:
        raise UsageError(
            f"{type(network).__name__} has no stages of stride {STRIDES}: say after which of its "
            f"modules the blocks run, such as --set model.at=[blocks.5,blocks.11]"
        )
    return stages


def told_by_timm(network: nn.Module) -> dict[int, str]:
    """What `feature_info` has, where it names modules of the network."""
    info = getattr(network, "feature_info", None)
    rows = info if isinstance(info, list) else []
    named = dict(network.named_modules())
    return {
        row["reduction"]: row["module"]
        for row in rows
        if isinstance(row, Mapping)
        and row.get("reduction") in STRIDES
        and row.get("module") in named
    }


def seen_on_a_frame(network: nn.Module) -> dict[int, str]:
    """By running it once."""
    height, width = frame_size_of(network)
    ends: dict[int, str] = {}

    def note(path: str, module: nn.Module, args: object, output: object) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4:
            return
        shape = tuple(output.shape)
        try:
            rows = shape[2] if map_layout(shape, (height, width)) == "nchw" else shape[1]
        except ValueError:
            return
        stride = round(height / rows)
        if rows > 1 and stride in STRIDES:
            ends[stride] = path

    example = next((p for p in network.parameters()), torch.empty(0))
    # the whole features, "features" or "layer4", end after their last block: one level below them
    tops = {name for name, child in network.named_children() if not is_stage(child)}
    handles = [
        module.register_forward_hook(partial(note, path))
        for path, module in network.named_modules()
        if path and path not in tops and path.count(".") <= 1 and [*module.children()]
    ]
    try:
        with left_as_it_was(network, example.device), torch.no_grad():
            network.eval()
            network(torch.zeros(1, 3, height, width, dtype=example.dtype, device=example.device))
    finally:
        for handle in handles:
            handle.remove()
    return dict(sorted(ends.items()))


def is_stage(module: nn.Module) -> bool:
    """Whether a module is a sequence of blocks that are of one kind."""
    kinds = {type(child) for child in module.children()}
    return len(kinds) == 1 and len([*module.children()]) > 0
