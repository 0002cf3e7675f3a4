"""Blocks under the transforms of `torch.func`, derivatives of derivatives, and export."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call, jvp, vmap

from .blocks_under_test import ALL, Make
from .random_weights import randomize

every_block = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())
both_modes = pytest.mark.parametrize("training", [True, False])


def clip(*more: int) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randn(*more, 2, 16, 3, 5, 4, dtype=torch.float64, generator=draw)


def pure(block: nn.Module):
    """The block as a function of x alone: in training, running statistics are its own copies."""

    def call(x: Tensor) -> Tensor:
        buffers = {name: buffer.clone() for name, buffer in block.named_buffers()}
        return functional_call(block, buffers, (x,))

    return call


def slope(function, x: Tensor, direction: Tensor, step: float = 1e-6) -> Tensor:
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)


@every_block
@both_modes
def test_jvp(make: Make, training: bool):
    function = pure(randomize(make(3)).train(training))
    x, direction = clip(), clip().flip(2)
    y, tangent = jvp(function, (x,), (direction,))
    torch.testing.assert_close(y, function(x))
    expected = slope(function, x, direction)
    torch.testing.assert_close(
        tangent, expected, rtol=1e-5, atol=1e-6 * float(expected.abs().max())
    )


@every_block
def test_forward_mode(make: Make):
    block = randomize(make(3)).eval()
    x, direction = clip(), clip().flip(2)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(block(forward_ad.make_dual(x, direction))).tangent
    torch.testing.assert_close(tangent, jvp(block, (x,), (direction,))[1])


@every_block
def test_vmap(make: Make):
    block, clips = randomize(make(3)).eval(), clip(3)
    expected = torch.stack([block(x) for x in clips])
    torch.testing.assert_close(vmap(block)(clips), expected)


@every_block
def test_vmap_in_training(make: Make):
    block, clips = randomize(make(3)), clip(3)
    buffers = {name: buffer.expand(3, *buffer.shape) for name, buffer in block.named_buffers()}

    def call(x: Tensor, buffers: dict[str, Tensor]) -> Tensor:
        return functional_call(block, {k: v.clone() for k, v in buffers.items()}, (x,))

    expected = torch.stack([pure(block)(x) for x in clips])
    torch.testing.assert_close(vmap(call)(clips, buffers), expected)


@every_block
@both_modes
def test_second_derivatives(make: Make, training: bool):
    block = randomize(make(3)).train(training)
    parameters = list(block.parameters())

    def first(x: Tensor) -> Tensor:
        gradients = torch.autograd.grad(
            block(x).square().sum(), [x, *parameters], create_graph=True, allow_unused=True
        )
        return torch.stack([g.square().sum() for g in gradients if g is not None]).log1p().sum()

    x, direction = clip().requires_grad_(), clip().flip(2)
    (gradient,) = torch.autograd.grad(first(x), x)
    expected = slope(lambda x: first(x.detach().requires_grad_()), x.detach(), direction)
    assert float((gradient * direction).sum()) == pytest.approx(float(expected), rel=1e-4, abs=1e-6)


@every_block
def test_export(make: Make):
    block, x = randomize(make(3)).eval(), clip()
    exported = torch.export.export(block, (x,))
    names = {str(node.target) for node in exported.graph.nodes}
    assert not any("gta" in name or "higher_order" in name for name in names)
    torch.testing.assert_close(exported.module()(x), block(x))
