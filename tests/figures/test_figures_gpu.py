"""The figures of a GPU are those of a CPU."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from gta.config import Clip
from gta.figures.show import numbers
from gta.figures.subject import Subject

from .planted import CLIP, DECOUPLED, JOINT, clip, network
from .test_networks import NETWORKS, with_a_clip

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
CLOSE = {"rtol": 2e-3, "atol": 2e-4}
"""Sums are in another order: a color of 256 differs by one at most."""


def same(ours: object, theirs: object, path: str = "") -> None:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), path
        for key in ours:
            same(ours[key], theirs[key], f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            same(*pair, f"{path}/{number}")
    elif isinstance(ours, float) and isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=CLOSE["rtol"], abs=CLOSE["atol"]), path
    else:
        assert ours == theirs, path


def compare(model: nn.Module, view: torch.Tensor, settings: Clip, classes: list[str]) -> None:
    ours, theirs = (
        Subject("a run", each, view, settings, classes)
        for each in (model, copy.deepcopy(model).cuda())
    )
    same(numbers(ours), numbers(theirs))
    np.testing.assert_allclose(theirs.seen.probabilities, ours.seen.probabilities, **CLOSE)
    for here, there in zip(ours.layers, theirs.layers, strict=True):
        torch.testing.assert_close(there.x.cpu(), here.x, **CLOSE)
        if hasattr(here.block, "attention"):
            torch.testing.assert_close(there.attention.cpu(), here.attention, **CLOSE)
    evidence = ours.evidence.map
    np.testing.assert_allclose(
        theirs.evidence.map / evidence.max(), evidence / evidence.max(), **CLOSE
    )
    np.testing.assert_allclose(theirs.components.scores, ours.components.scores, atol=0.01)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network(name: str):
    torch.manual_seed(0)
    model, view, settings = with_a_clip(NETWORKS[name][0]().eval())
    compare(model, view, settings, ["a", "b", "c"])


@pytest.mark.parametrize("blocks", [(), JOINT, DECOUPLED], ids=["none", "joint", "decoupled"])
def test_planted_clips(blocks: tuple):
    for seed in range(10):
        compare(network(*blocks), clip(seed)[0], CLIP, ["dark", "bright"])
