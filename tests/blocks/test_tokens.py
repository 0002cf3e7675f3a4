"""The token way of the blocks against the plain one: outputs, gradients, running statistics."""

import copy

import pytest
import torch
from torch import nn

from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention
from gta.blocks.normalised_sum import normalise_tokens
from gta.blocks.tokens import takes_tokens, token_path

from .blocks_under_test import ALL, Make

WITH_TOKENS = {
    name: make for name, make in ALL.items() if name.startswith(("NL", "SA", "TA", "GTA"))
}
WITH_TOKENS |= {  # with fewer keys in a frame than channels
    "SA few keys": lambda T: SpatialAttention(16, T, width=24),
    "SA few keys, unscaled": lambda T: SpatialAttention(16, T, width=40, scale=False),
    "SA few keys, no pool": lambda T: SpatialAttention(16, T, width=64, pool=None),
    "NL of one frame": lambda _: NonLocal(16, 1, width=48),
}


def randomised(block: nn.Module, seed: int = 0) -> nn.Module:
    """All parameters and statistics away from their special starting values."""
    draw = torch.Generator().manual_seed(seed)
    for parameter in block.parameters():
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.5)
    for name, buffer in block.named_buffers():
        if "running" in name:
            buffer.copy_(torch.rand(buffer.shape, generator=draw) + 0.5)
    return block


def run(block: nn.Module, x: torch.Tensor, *, tokens: bool):
    x = x.clone().requires_grad_()
    with token_path(tokens):
        y = block(x)
    upstream = torch.randn(y.shape, generator=torch.Generator().manual_seed(9)).to(y)
    y.backward(upstream)
    gradients = {name: p.grad for name, p in block.named_parameters()}
    return y.detach(), x.grad, gradients, dict(block.named_buffers())


@pytest.mark.parametrize("make", WITH_TOKENS.values(), ids=WITH_TOKENS.keys())
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("H", "W"), [(6, 8), (7, 9), (1, 3)])
def test_equals_the_plain_way(make: Make, training: bool, H: int, W: int):
    plain = randomised(make(3)).double().train(training)
    tokens = copy.deepcopy(plain)
    x = torch.randn(2, 16, 3, H, W, dtype=torch.float64) + 1
    expected, found = run(plain, x, tokens=False), run(tokens, x, tokens=True)
    for wanted, got in zip(expected[:2], found[:2], strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)
    for wanted, got in zip(expected[2:], found[2:], strict=True):
        assert wanted.keys() == got.keys()
        for name in wanted:
            torch.testing.assert_close(got[name], wanted[name], rtol=1e-8, atol=1e-8, msg=name)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d, "sliced"])
def test_any_memory_layout(layout):
    block = randomised(GlobalTemporalAttention(16, 3, groups=2))
    x = torch.randn(2, 16, 3, 5, 7)
    given = (
        x.repeat(1, 1, 1, 1, 2)[..., :7]
        if layout == "sliced"
        else x.contiguous(memory_format=layout)
    )
    expected, found = run(copy.deepcopy(block), x, tokens=False), run(block, given, tokens=True)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-3, atol=1e-3)


def test_channels_last_memory_is_kept_and_not_copied():
    x = torch.randn(2, 16, 3, 5, 7).contiguous(memory_format=torch.channels_last_3d)
    with token_path(True):
        y = NonLocal(16, 3)(x)
    assert y.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("make", [SpatialAttention, GlobalTemporalAttention])
def test_a_new_block_is_exactly_the_identity(make):
    x = torch.randn(2, 64, 4, 5, 7)
    with token_path(True):
        assert torch.equal(make(64, 4)(x), x)


def test_the_average_over_all_batches():
    """Batch normalisation with momentum None, as `update_bn` sets it."""
    plain = randomised(NonLocal(16, 3))
    plain.norm.momentum = None
    tokens = copy.deepcopy(plain)
    for block in (plain, tokens):
        block.norm.reset_running_stats()
    for seed in range(3):
        x = torch.randn(2, 16, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * (1 + seed)
        run(plain, x, tokens=False)
        run(tokens, x, tokens=True)
    assert tokens.norm.num_batches_tracked == 3
    torch.testing.assert_close(tokens.norm.running_mean, plain.norm.running_mean)
    torch.testing.assert_close(tokens.norm.running_var, plain.norm.running_var)


@pytest.mark.parametrize("make", [SpatialAttention, NonLocal, GlobalTemporalAttention])
def test_bfloat16_is_as_near_as_the_plain_way(make):
    block = randomised(make(64, 3))
    x = torch.randn(2, 64, 3, 6, 8)
    exact = run(copy.deepcopy(block).double(), x.double(), tokens=False)
    half = copy.deepcopy(block).bfloat16()
    errors = []
    for tokens in (False, True):
        found = run(copy.deepcopy(half), x.bfloat16(), tokens=tokens)
        errors.append(
            [
                float((f.double() - e).norm() / e.norm())
                for f, e in zip(found[:2], exact[:2], strict=True)
            ]
        )
    for plain, fast in zip(*errors, strict=True):
        assert fast < 1.5 * plain + 0.005


@pytest.mark.parametrize("make", [SpatialAttention, GlobalTemporalAttention])
def test_autocast(make):
    block = randomised(make(64, 3))
    x = torch.randn(2, 64, 3, 6, 8)
    with torch.autocast("cpu", torch.bfloat16), token_path(True):
        assert not takes_tokens(x, [])  # autocast would change its type: the plain way
        assert takes_tokens(x.bfloat16(), [])
        y = block(x.bfloat16())
        y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in block.parameters())


def test_other_normalisations_go_the_plain_way():
    block = NonLocal(16, 3)
    x = torch.randn(2, 16, 3, 4, 4)
    with token_path(True):
        assert takes_tokens(x, [block.norm])
        shared = nn.SyncBatchNorm.convert_sync_batchnorm(block)
        assert not takes_tokens(x, [shared.norm])
        assert not takes_tokens(x, [nn.BatchNorm3d(16, track_running_stats=False)])
    assert not takes_tokens(x, [])  # no GPU, not asked for


def test_a_large_mean_does_not_drown_the_variance():
    """Variances from second moments cancel; float32 has to be enough for what networks have."""
    branch = torch.randn(4096, 8) * 0.1 + 3
    output, norm = nn.Conv3d(8, 8, 1), nn.BatchNorm3d(8)
    _, weight, bias = normalise_tokens(branch, output, norm)
    wide = branch.double() @ output.weight.flatten(1).double().t()
    expected = (wide - wide.mean(0)) / (wide.var(0, unbiased=False) + norm.eps).sqrt()
    torch.testing.assert_close(branch @ weight + bias, expected.float(), rtol=1e-3, atol=2e-3)


def test_compiles_without_a_break_and_exports_the_plain_way():
    block = randomised(
        nn.Sequential(SpatialAttention(16, 3), GlobalTemporalAttention(16, 3, groups=2))
    )
    x = torch.randn(2, 16, 3, 4, 6)
    targets: list[str] = []

    def backend(graph: torch.fx.GraphModule, _):
        targets.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    with token_path(True):
        expected = block(x)
        compiled = torch.compile(block, fullgraph=True, backend=backend)
        torch.testing.assert_close(compiled(x), expected)
        assert not any("conv" in target for target in targets)
        exported = torch.export.export(block.eval(), (x,))
    assert sum("conv3d" in str(node.target) for node in exported.graph.nodes) == 9
    torch.testing.assert_close(exported.module()(x), block(x), rtol=1e-4, atol=1e-4)


def test_gradient_checkpointing():
    from torch.utils.checkpoint import checkpoint

    block = randomised(GlobalTemporalAttention(16, 3, groups=2))
    x = torch.randn(2, 16, 3, 4, 6)
    again = copy.deepcopy(block)
    with token_path(True):
        block(x).square().sum().backward()
        checkpoint(again, x, use_reentrant=False).square().sum().backward()
    for name, parameter in block.named_parameters():
        torch.testing.assert_close(again.get_parameter(name).grad, parameter.grad, msg=name)
