"""What a later run finds on disk of a compiled network."""

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from gta.blocks import GlobalTemporalAttention
from gta.training.compiled import compiled

COMPILED = """
import torch
from gta.blocks import GlobalTemporalAttention
from gta.training.compiled import compiled

torch.manual_seed(0)
network = compiled(GlobalTemporalAttention(8, 2, groups=2, region=False))
torch.nn.init.ones_(network.pixel.norm.weight)
x = torch.randn(2, 8, 2, 3, 3, requires_grad=True)
network(x).square().sum().backward()
print(*sorted(torch._dynamo.utils.counters["aot_autograd"]))
print(float(x.grad.double().square().sum()), *map(float, network.pixel.matrix.grad[0, 0, 0]))
"""


@pytest.mark.slow
def test_a_second_process_traces_and_compiles_nothing(tmp_path):
    """The blocks have autograd functions of their own, which torch does not keep unless told."""
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    run = [sys.executable, "-c", COMPILED]
    told = [
        subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    (caches, gradients), (caches_after, gradients_after) = map(str.splitlines, told)
    assert caches.split() == ["autograd_cache_miss", "autograd_cache_saved", "ok", "total"]
    assert caches_after.split() == ["autograd_cache_hit", "ok", "total"]
    assert gradients_after == gradients


class FramesThenBlock(nn.Module):
    """What `FrameResNet` has at the place of a block."""

    def __init__(self):
        super().__init__()
        self.conv, self.block = nn.Conv2d(16, 16, 1), GlobalTemporalAttention(16, 2, groups=2)

    def forward(self, frames: Tensor) -> Tensor:
        feature = self.conv(frames).relu().unflatten(0, (-1, 2)).transpose(1, 2)
        return self.block(feature)


@pytest.mark.slow
def test_what_a_block_sees_is_kept_once():
    """Not as rows for the block's gradient, and once more as a mask for that of the ReLU."""
    torch.compiler.reset()
    frames = torch.randn(4, 16, 12, 12).contiguous(memory_format=torch.channels_last)
    kept = list[tuple[torch.dtype, int]]()

    def keep(saved: Tensor) -> Tensor:
        kept.append((saved.dtype, saved.numel()))
        return saved

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        compiled(FramesThenBlock())(frames)
    assert (torch.bool, frames.numel()) not in kept
    assert kept.count((torch.float32, frames.numel())) == 2  # what is given, what the block sees
