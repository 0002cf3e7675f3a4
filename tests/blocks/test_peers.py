"""CGNL, GCNet's context block and GloRe against loops, and what is special to each."""

import numpy as np
import pytest
import torch
from torch import nn

from gta.blocks import CGNL, AlongSpace, AlongTime, GlobalContext, GloRe
from gta.blocks.cgnl import Kernel
from gta.blocks.global_context import Fusion, Pooling

from .equations import normalize
from .peer_equations import cgnl, global_context, glore
from .random_weights import array, random_clip, randomize, relative_error, weights_of


def plain(block: nn.Module) -> dict[str, np.ndarray]:
    """Parameters by name, 1x1 convolutions as matrices."""
    return {
        name: array(parameter.flatten(1) if parameter.ndim > 1 else parameter)
        for name, parameter in block.named_parameters()
    }


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize(("kernel", "order"), [("dot_product", 3), ("rbf", 1), ("rbf", 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_cgnl_equals_the_loops(groups: int, kernel: Kernel, order: int, scale: bool):
    block = CGNL(8, 2, groups=groups, kernel=kernel, order=order, scale=scale)
    randomize(block)
    with torch.no_grad():  # else the higher orders would not show: gamma is 1e-4
        block.query.weight.mul_(20)
        block.key.weight.mul_(20)
    weights = plain(block)
    for name in ("query", "key", "value", "output"):
        weights[name] = weights.pop(f"{name}.weight")
    x = random_clip(2, 8, 2, 2, 3)
    expected = cgnl(
        array(x), weights, groups=groups, order=order if kernel == "rbf" else None, scale=scale
    )
    assert relative_error(block(x), expected) <= 1e-10


def test_orders_of_cgnl_differ():
    outputs = []
    for order in (1, 2, 3):
        block = CGNL(8, 2, groups=2, kernel="rbf", order=order)
        randomize(block)
        with torch.no_grad():
            block.query.weight.mul_(20)
            block.key.weight.mul_(20)
        outputs.append(block(random_clip(2, 8, 2, 2, 3)))
    assert relative_error(outputs[0], outputs[1]) > 1e-6
    assert relative_error(outputs[1], outputs[2]) > 1e-9


@pytest.mark.parametrize("pooling", ["attention", "average"])
@pytest.mark.parametrize("fusion", [("add",), ("multiply",), ("add", "multiply")])
def test_global_context_equals_the_loops(pooling: Pooling, fusion: tuple[Fusion, ...]):
    block = GlobalContext(6, 2, width=3, pooling=pooling, fusion=fusion)
    randomize(block)
    mask = None
    if block.mask is not None:
        assert block.mask.bias is not None
        mask = array(block.mask.weight.flatten(1)), array(block.mask.bias)
    parts = [plain(part) if part is not None else None for part in (block.multiply, block.add)]
    x = random_clip(2, 6, 2, 2, 3)
    assert relative_error(block(x), global_context(array(x), mask, *parts)) <= 1e-10
    assert torch.allclose(block.attention(x).sum(1), torch.ones(2).double())


def test_multiplying_starts_at_half_of_the_input():
    x = random_clip(2, 16, 2, 2, 3).float()
    assert torch.equal(GlobalContext(16, 2, width=4, fusion=("multiply",))(x), x / 2)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
def test_glore_equals_the_loops(normalized: bool, training: bool):
    block = GloRe(8, 2, states=4, nodes=3, normalize=normalized)
    randomize(block).train(training)
    norm = weights_of(nn.ModuleDict({"norm": block.norm}))["norm"]
    x = random_clip(2, 8, 2, 2, 3)
    expected = array(x) + normalize(glore(array(x), plain(block), normalize=normalized), norm)
    assert relative_error(block(x), expected) <= 1e-10


@pytest.mark.parametrize(
    "block",
    [CGNL(8, 3, groups=2), GlobalContext(8, 3, width=2), GloRe(8, 3)],
    ids=lambda block: type(block).__name__,
)
def test_decoupled_they_see_one_frame_or_one_position(block: nn.Module):
    randomize(block).eval()
    x = random_clip(2, 8, 3, 2, 2)
    space, time = AlongSpace(block)(x), AlongTime(block)(x)
    for t in range(3):
        assert relative_error(block(x[:, :, t : t + 1]), space[:, :, t : t + 1]) <= 1e-10
    for h, w in np.ndindex(2, 2):
        here = slice(h, h + 1), slice(w, w + 1)
        assert relative_error(block(x[..., *here]), time[..., *here]) <= 1e-10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CGNL(8, 3, groups=3), "3 groups do not divide the 8 channels of the input and"),
        (lambda: CGNL(8, 3, groups=0), "groups must be at least 1, got 0"),
        (lambda: CGNL(8, 3, groups=2, order=0), "order must be at least 1, got 0"),
        (lambda: CGNL(8, 3, kernel="gauss"), "there is no kernel='gauss': kernel must be one of"),
        (lambda: GlobalContext(8, 3), "8 channels are too few for the default width"),
        (lambda: GlobalContext(16, 3, pooling="max"), "there is no pooling='max': pooling must be"),
        (lambda: GlobalContext(16, 3, fusion=("mul",)), "there is no fusion='mul': fusion must be"),
        (lambda: GlobalContext(16, 3, fusion=()), "fusion is empty: pass"),
        (lambda: GloRe(8, 3, nodes=0), "at least 1, got 0"),
        (lambda: GloRe(2, 3), "2 channels are too few"),
    ],
)
def test_impossible_options(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()
