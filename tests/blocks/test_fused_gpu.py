"""Fused functions on a GPU: bf16, odd shapes, compiled, parts and transforms."""

import copy

import pytest
import torch
from torch import nn
from torch.func import jvp, vmap

from gta.blocks import (
    TAPE,
    GlobalTemporalAttention,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
)
from gta.blocks.fused.parts import unfused

from .random_weights import randomize
from .test_fused import assert_as_near, run, run_unfused

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
BLOCKS = {
    "NL": lambda T: NonLocal(64, T),
    "SA": lambda T: SpatialAttention(64, T),
    "SA before": lambda T: SpatialAttention(64, T, pool="before"),
    "SA odd": lambda T: SpatialAttention(60, T, width=14),
    "TA": lambda T: TemporalAttention(64, T),
    "TAPE": lambda T: TAPE(128, T, groups=2),
    "GTA": lambda T: GlobalTemporalAttention(64, T),
    "GTA pixel": lambda T: GlobalTemporalAttention(64, T, region=False),
    "GTA region": lambda T: GlobalTemporalAttention(64, T, pixel=False),
    "GTA none": lambda T: GlobalTemporalAttention(64, T, assignment="none"),
    "GTA odd": lambda T: GlobalTemporalAttention(60, T, groups=3, regions=5),
}
every_block = pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS.keys())


def channels(block: nn.Module) -> int:
    return next(m.in_features for m in block.modules() if isinstance(m, nn.Linear))


@every_block
@pytest.mark.parametrize("shape", [(4, 8, 14, 14), (2, 3, 7, 9), (2, 1, 1, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_float32(make, shape: tuple[int, int, int, int], training: bool):
    B, T, H, W = shape
    block = randomize(make(T)).cuda().train(training)
    x = torch.randn(B, channels(block), T, H, W, device="cuda", dtype=torch.float64)
    exact = run_unfused(block, x)
    results = run(block.float(), x.float())
    for wanted, got in zip(exact[:2], results[:2], strict=True):
        assert (got - wanted).norm() / wanted.norm() < 1e-3


@every_block
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("compiled", [False, True])
def test_half_precision_is_as_near_as_the_plain_calls(make, dtype, compiled: bool):
    torch.compiler.reset()
    block = randomize(make(8)).cuda()
    x = torch.randn(4, channels(block), 8, 14, 14, device="cuda", dtype=dtype)
    exact = run_unfused(block, x.double())
    block.float()
    errors = []
    for fused in (False, True):
        copied = copy.deepcopy(block)
        forward = torch.compile(copied, fullgraph=True) if compiled and fused else copied
        with torch.autocast("cuda", dtype):
            results = run(forward, x) if fused else run_unfused(forward, x)
        errors.append(
            [float((f - e).norm() / e.norm()) for f, e in zip(results[:2], exact[:2], strict=True)]
        )
    for plain, fused in zip(*errors, strict=True):
        assert fused < 1.5 * plain + 0.005


@every_block
@pytest.mark.parametrize("mean", [0, 3, 10])
@pytest.mark.parametrize("compiled", [False, True])
def test_training_of_a_new_block_is_as_near_as_the_plain_calls(make, mean: int, compiled: bool):
    def forward(block: nn.Module, x: torch.Tensor):
        if compiled:
            torch.compiler.reset()
            block.compile(fullgraph=True)
        return run(block, x)

    shape = (4, channels(make(8)), 8, 14, 14)
    assert_as_near(lambda: make(8).cuda(), shape, mean, forward)


@every_block
def test_hooks_and_transforms(make):
    block = randomize(make(3)).cuda().eval().float()
    x = torch.randn(2, 2, channels(block), 3, 5, 4, device="cuda")
    called, names = [], [n for n, m in block.named_modules() if isinstance(m, nn.Linear)]
    torch.testing.assert_close(
        vmap(block)(x), torch.stack([block(sample) for sample in x]), rtol=1e-3, atol=1e-3
    )
    jvp(block, (x[0],), (x[1],))
    for name in names:
        part = block.get_submodule(name)
        part.register_forward_hook(lambda *_, name=name: called.append(name))
    with torch.autocast("cuda", torch.bfloat16):
        block(x[0].bfloat16())
    assert sorted(called) == sorted(names)
    (g,) = torch.autograd.grad(
        block(y := x[0].clone().requires_grad_()).square().sum(), y, create_graph=True
    )
    g.square().sum().backward()
    assert y.grad is not None
    with unfused():
        torch.testing.assert_close(block(x[0]), block(x[0]))
