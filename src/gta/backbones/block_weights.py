"""Weights of a single block of a public implementation, for ours."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gta.backbones.classifiers import without_ones
from gta.backbones.weight_names import NON_LOCAL
from gta.backbones.weight_numbers import require_finite, shortened
from gta.backbones.weights import shape
from gta.blocks.cgnl import CGNL
from gta.blocks.global_context import GlobalContext
from gta.blocks.glore import GloRe
from gta.blocks.non_local import NonLocal
from gta.errors import UsageError

NAMES: dict[type[nn.Module], dict[str, str]] = {
    # `Nonlocal` of PySlowFast, `NONLocalBlock3D` of TSM, `SpatialNL` of CGNL's authors
    NonLocal: NON_LOCAL | {"t": "query", "p": "key", "z": "output"},
    # `SpatialCGNL` and `SpatialCGNLx` of the authors
    CGNL: {"t": "query", "p": "key", "g": "value", "z": "output", "gn": "norm"},
    # `ContextBlock` of the authors of GCNet
    GlobalContext: {
        "conv_mask": "mask",
        **{f"channel_add_conv.{i}": f"add.{i}" for i in range(4)},
        **{f"channel_mul_conv.{i}": f"multiply.{i}" for i in range(4)},
    },
    # `GloRe_Unit_2D` and `GloRe_Unit_3D` of the authors
    GloRe: {
        **{"conv_state": "reduce", "conv_proj": "project", "conv_extend": "extend"},
        **{"gcn.conv1": "mix_nodes", "gcn.conv2": "mix_states", "blocker": "norm"},
    },
}
"""By our class: the names of layers in the public code, and ours."""


def load_block(block: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load the weights of one block, under its own names or those of the public code.

    Kernels of two dimensions fit those of three with one axis of length 1. Where the public code
    has no bias and ours has, ours becomes zero.

    Args:
        block: A NonLocal, CGNL, GlobalContext or GloRe.
        state: Parameters and buffers; any of the names in `NAMES` may be used.

    Raises:
        UsageError: Something is left over, missing, of another shape or not finite; the block is
            as before.
    """
    own = block.state_dict()
    names = NAMES.get(type(block), {})
    mapped: dict[str, Tensor] = {}
    problems: list[str] = []
    for key, value in state.items():
        layer, _, parameter = key.rpartition(".")
        ours = f"{names.get(layer, layer)}.{parameter}"
        if ours not in own:
            problems.append(f"{key} (not in the block)")
        elif without_ones(value) != without_ones(own[ours]):
            problems.append(f"{key} (shape {shape(value)}, the block's is {shape(own[ours])})")
        else:
            mapped[ours] = value.reshape(own[ours].shape)
    for key in own.keys() - mapped.keys():
        if key.endswith(".bias") and f"{key.removesuffix('bias')}weight" in mapped:
            mapped[key] = torch.zeros_like(own[key])
        elif not key.endswith("num_batches_tracked"):
            problems.append(f"{key} (missing)")
    if problems:
        raise UsageError(
            f"the weights do not fit {type(block).__name__}: {shortened(sorted(problems))}"
        )
    require_finite(mapped, f"the weights of {type(block).__name__}")
    block.load_state_dict(mapped, strict=False)
