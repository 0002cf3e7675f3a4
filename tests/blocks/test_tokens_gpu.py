"""The token way on a GPU, where it is taken by itself: bf16, odd shapes, compiled."""

import copy

import pytest
import torch
from torch import nn

from gta.blocks import (
    TAPE,
    GlobalTemporalAttention,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
)
from gta.blocks.tokens import token_path

from .test_tokens import randomised, run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
BLOCKS = {
    "NL": lambda T: NonLocal(64, T),
    "SA": lambda T: SpatialAttention(64, T),
    "SA before": lambda T: SpatialAttention(64, T, pool="before"),
    "SA few keys": lambda T: SpatialAttention(64, T, width=56),
    "TA": lambda T: TemporalAttention(64, T),
    "TAPE": lambda T: TAPE(128, T, groups=2),
    "GTA": lambda T: GlobalTemporalAttention(64, T),
    "GTA pixel": lambda T: GlobalTemporalAttention(64, T, region=False),
    "GTA region": lambda T: GlobalTemporalAttention(64, T, pixel=False),
    "GTA none": lambda T: GlobalTemporalAttention(64, T, assignment="none"),
    "GTA odd": lambda T: GlobalTemporalAttention(60, T, groups=3, regions=5),
}


@pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS.keys())
@pytest.mark.parametrize("shape", [(4, 8, 14, 14), (2, 3, 7, 9)])
@pytest.mark.parametrize("training", [True, False])
def test_float32(make, shape: tuple[int, int, int, int], training: bool):
    B, T, H, W = shape
    block = randomised(make(T)).cuda().train(training)
    C = next(m.in_channels for m in block.modules() if isinstance(m, nn.Conv3d))
    x = torch.randn(B, C, T, H, W, device="cuda")
    exact = run(copy.deepcopy(block).double(), x.double(), tokens=False)
    found = run(block, x, tokens=True)
    for wanted, got in zip(exact[:2], found[:2], strict=True):
        assert (got - wanted).norm() / wanted.norm() < 1e-3


@pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS.keys())
@pytest.mark.parametrize("compiled", [False, True])
def test_bf16_autocast_is_as_near_as_the_plain_way(make, compiled: bool):
    block = randomised(make(8)).cuda()
    C = next(m.in_channels for m in block.modules() if isinstance(m, nn.Conv3d))
    x = torch.randn(4, C, 8, 14, 14, device="cuda").bfloat16()
    exact = run(copy.deepcopy(block).double(), x.double(), tokens=False)
    errors = []
    for tokens in (False, True):
        copied = copy.deepcopy(block)
        forward = torch.compile(copied, fullgraph=True) if compiled and tokens else copied
        with torch.autocast("cuda", torch.bfloat16):
            found = run(forward, x, tokens=tokens)
        errors.append(
            [float((f - e).norm() / e.norm()) for f, e in zip(found[:2], exact[:2], strict=True)]
        )
    for plain, fast in zip(*errors, strict=True):
        assert fast < 1.5 * plain + 0.005


def test_it_is_taken_by_itself(monkeypatch: pytest.MonkeyPatch):
    block, taken = GlobalTemporalAttention(64, 4).cuda(), []
    forward = block.forward_tokens
    monkeypatch.setattr(block, "forward_tokens", lambda x: taken.append(1) or forward(x))
    x = torch.randn(1, 64, 4, 5, 5, device="cuda")
    block(x)
    with token_path(False):
        block(x)
    assert taken == [1]
