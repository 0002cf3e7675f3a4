"""The change of Eq. 6 in CONTRIBUTING.md: it applies, touches one file, and does what it says."""

import importlib
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from gta.blocks import GlobalTemporalAttention

from .random_weights import random_clip, randomize, relative_error

GROUPS, FRAMES = 2, 3
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def guide():
    """The module that reads the diff from the guide."""
    sys.path.insert(0, str(ROOT))
    yield importlib.import_module("benchmarks.changed_block")
    sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def changed(guide, tmp_path_factory: pytest.TempPathFactory):
    """The class with the diff applied, made with the rest of its arguments."""
    module = guide.changed_module(tmp_path_factory.mktemp("changed"))
    return partial(module.GlobalTemporalAttention, groups=GROUPS)


def test_it_changes_one_file(guide):
    assert guide.changed_files(guide.diff()) == ["src/gta/blocks/gta.py"]


def test_a_diff_of_another_file_does_not_apply(guide):
    with pytest.raises(ValueError, match="this stands 0 times in the file:\nb\n"):
        guide.patched("a\n", "@@ -1 +1 @@\n-b\n+c\n")


def test_it_starts_as_the_block_does(changed):
    block = changed(16, FRAMES).double().eval()
    plain = GlobalTemporalAttention(16, FRAMES, groups=GROUPS).double().eval()
    missing, unexpected = block.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected
    assert {name.split(".")[1] for name in missing} == {"of_sample"}
    value = random_clip(2, FRAMES, 5, 4, 4)
    torch.testing.assert_close(block.pixel.mix(value), plain.pixel.mix(value))


def test_the_matrix_is_each_sample_s_own(changed):
    """Against loops over indices."""
    branch = randomize(changed(16, FRAMES)).pixel
    value = random_clip(2, FRAMES, 5, 4, 4)  # (B, S, H, W, G*D)
    mixed = branch.mix(value).detach().numpy()
    matrix, v = branch.matrix.detach().numpy(), value.numpy().reshape(2, FRAMES, 20, GROUPS, 2)
    weight, bias = (p.detach().numpy() for p in branch.of_sample.parameters())
    expected = np.zeros((2, FRAMES, 20, GROUPS, 2))
    for b, t, k, g, s in np.ndindex(2, FRAMES, GROUPS, GROUPS, FRAMES):
        row = k * FRAMES + t
        part = weight[row] @ v[b, s, :, g].mean(0) + bias[row]
        expected[b, t, :, k] += (matrix[k, t, g, s] + part) * v[b, s, :, g]
    np.testing.assert_allclose(mixed, expected.reshape(mixed.shape), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_and_the_rest_of_the_block(changed, training: bool):
    block = randomize(changed(16, FRAMES)).train(training)
    x = random_clip(2, 16, FRAMES, 3, 4).requires_grad_()
    (block(x) * random_clip(*x.shape, seed=2)).sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert block.pixel.of_sample.weight.grad.any()
    alone = block.eval()(x[:1])
    assert relative_error(alone, block(x)[:1]) <= 1e-12
    mapped = torch.vmap(block)(x[:, None])
    assert relative_error(mapped[:, 0], block(x)) <= 1e-12


def test_what_it_costs_is_what_is_counted(guide, changed):
    path = ROOT / "benchmarks/results/changed_block.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))["results"]["changed"]
    counted = guide.cost(partial(changed, groups=8))
    assert recorded["gflops"] == pytest.approx(counted.gflops, rel=1e-12)
    assert recorded["params_m"] == pytest.approx(counted.params_m, rel=1e-12)
