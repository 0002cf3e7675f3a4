"""Other projects' own blocks in our networks, fetched by whoever runs the benchmark.

    git clone https://github.com/mit-han-lab/temporal-shift-module peers/temporal-shift-module
    git clone https://github.com/facebookresearch/SlowFast peers/SlowFast

Only the file of the block is loaded. Their code calls `view` on what a convolution gives, which is
an error in channels-last memory: so a copy comes before and after, as their users would need too,
and the rest of the network stays as fast as ours.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from gta.blocks import NonLocal

FILES = {
    "tsm": "temporal-shift-module/ops/non_local.py",
    "pyslowfast": "SlowFast/slowfast/models/nonlocal_helper.py",
}


class _Copied(nn.Module):
    """A block that needs contiguous memory, in a network that is channels-last."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x.contiguous()).contiguous(memory_format=torch.channels_last_3d)


def with_peer(model: nn.Module, peer: str, folder: Path) -> nn.Module:
    """The model, each of its non-local blocks replaced by that of "tsm" or "pyslowfast"."""
    module = _load(folder / FILES[peer])
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, NonLocal):
                setattr(parent, name, _Copied(_block(module, peer, child)))
    return model


def _block(module: ModuleType, peer: str, ours: NonLocal) -> nn.Module:
    channels, width = ours.query.in_features, ours.query.out_features
    if peer == "tsm":
        return module.NONLocalBlock3D(channels, width)
    return module.Nonlocal(channels, width, pool_size=[1, 2, 2])


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise SystemExit(
            f"{path} is missing: see `python -m pydoc benchmarks.peers` for the clones"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # torch.compile looks it up by its name
    spec.loader.exec_module(module)
    return module
