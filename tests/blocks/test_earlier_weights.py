"""Weights of earlier versions, whose projections were 1x1x1 convolutions."""

import pytest
import torch

from gta.blocks.features import Projection

from .blocks_under_test import ALL, Make
from .random_weights import randomize


@pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("assign", [False, True])
def test_weights_of_convolutions_are_loaded(make: Make, assign: bool):
    saved, block = randomize(make(3)), make(3).double()
    earlier = saved.state_dict()
    for name, part in saved.named_modules():
        if isinstance(part, Projection):
            earlier[f"{name}.weight"] = part.weight[..., None, None, None]
    block.load_state_dict(earlier, strict=True, assign=assign)
    x = torch.randn(2, 16, 3, 5, 4, dtype=torch.float64)
    assert torch.equal(block.eval()(x), saved.eval()(x))


def test_a_kernel_of_several_positions_is_refused():
    block = ALL["NL"](3)
    state = block.state_dict()
    state["query.weight"] = torch.zeros(8, 16, 1, 3, 3)
    with pytest.raises(RuntimeError, match=r"size mismatch for query\.weight"):
        block.load_state_dict(state)
