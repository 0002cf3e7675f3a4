"""What a later run finds on disk of a compiled network."""

import os
import subprocess
import sys

import pytest

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
