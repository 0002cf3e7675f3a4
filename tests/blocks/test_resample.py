"""Another number of frames: what stays exactly, and how much a smooth matrix's action changes."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gta.blocks import TAPE, GlobalTemporalAttention, TemporalAttention
from gta.blocks.resample import (
    interpolation,
    resample,
    resample_matrix,
    resample_position,
    resample_regions,
)

from .random_weights import randomize

LENGTHS = [(8, 16), (16, 8), (8, 12), (12, 8), (8, 5), (3, 32), (1, 4), (4, 1)]
lengths = pytest.mark.parametrize(("old", "new"), LENGTHS)


def times(T: int) -> Tensor:
    """The centers of T equal parts of [0, 1]."""
    return (torch.arange(T, dtype=torch.float64) + 0.5) / T


@lengths
def test_interpolation_is_torchs_antialiased_one(old: int, new: int):
    pictures = torch.eye(old)[None, None]
    expected = interpolate(pictures, size=(new, old), mode="bilinear", antialias=True)[0, 0]
    torch.testing.assert_close(interpolation(old, new).float(), expected, atol=1e-6, rtol=0)


def test_the_same_number_of_frames_changes_nothing():
    matrix, position = torch.randn(2, 8, 2, 8), torch.randn(8, 16)
    assert resample_matrix(matrix, 8) is matrix
    assert resample_position(position, 8) is position
    torch.testing.assert_close(interpolation(8, 8), torch.eye(8, dtype=torch.float64))


@lengths
def test_the_response_to_a_constant_input_stays(old: int, new: int):
    matrix = torch.randn(2, old, 2, old, dtype=torch.float64)
    constant = torch.randn(2, 1, dtype=torch.float64)  # of each group
    before = torch.einsum("ktgs,gs->kt", matrix, constant.expand(2, old))
    after = torch.einsum("ktgs,gs->kt", resample_matrix(matrix, new), constant.expand(2, new))
    torch.testing.assert_close(after, before @ interpolation(old, new).T)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_of_a_multiple_it_is_interpolation_times_the_quotient(factor: int):
    matrix = torch.randn(1, 8, 1, 8, dtype=torch.float64)
    new = 8 * factor
    expected = interpolate(
        matrix.permute(0, 2, 1, 3), size=(new, new), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(
        resample_matrix(matrix, new), expected.permute(0, 2, 1, 3) / factor, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize(("old", "new"), [(8, 16), (16, 8), (8, 12), (12, 8), (8, 32)])
def test_a_smooth_matrix_acts_as_before_to_within_4_percent(old: int, new: int):
    """Against the same smooth functions sampled at the new times."""

    def action(T: int, matrix: Tensor) -> Tensor:
        return matrix @ torch.cos(math.pi * times(T))

    def kernel(T: int) -> Tensor:
        wave = torch.cos(math.pi * times(T))
        return wave[:, None] * wave / T

    resampled = resample_matrix(kernel(old)[None, :, None], new)[0, :, 0]
    exact = action(new, kernel(new))
    error = (action(new, resampled) - exact).abs().max() / exact.abs().max()
    assert error < 0.04
    blind = kernel(old).repeat_interleave(new // old + 1, 0)[:new]  # not so for any matrix
    blind = blind.repeat_interleave(new // old + 1, 1)[:, :new]
    assert (action(new, blind) - exact).abs().max() / exact.abs().max() > 0.1


@pytest.mark.parametrize(
    "make",
    [
        partial(GlobalTemporalAttention, 16, groups=2),
        partial(GlobalTemporalAttention, 16, groups=1, region=False),
        partial(GlobalTemporalAttention, 16, groups=2, heads=3),
        partial(TAPE, 16, groups=2),
        partial(TAPE, 16, position="sinusoidal"),
        partial(TemporalAttention, 16),
    ],
)
def test_a_block_at_another_number_of_frames(make):
    """A clip that stands still gives the same, however many frames of it there are."""
    old, new = make(4), make(10).double()
    randomize(old)
    shapes = {name: tensor.shape for name, tensor in new.state_dict().items()}
    new.load_state_dict({k: resample(k, v, shapes[k]) for k, v in old.state_dict().items()})
    frame = torch.randn(2, 16, 1, 4, 6, dtype=torch.float64)
    before, after = (
        block.eval()(frame.expand(-1, -1, T, -1, -1)) for block, T in ((old, 4), (new, 10))
    )
    if isinstance(old, TAPE):  # attends by position: smooth, but not exact
        assert (after.mean(2) - before.mean(2)).abs().max() < 0.05 * before.abs().max()
    else:
        rows = interpolation(4, 10)
        expected = torch.einsum("ut,bcthw->bcuhw", rows, before)
        torch.testing.assert_close(after, expected)


def test_learned_regions_at_another_number_of_frames_and_positions():
    make = partial(GlobalTemporalAttention, 16, groups=2, region=True)
    old, new = make(4, region_grid=(4, 6)), make(8, region_grid=(2, 3))
    shapes = {name: tensor.shape for name, tensor in new.state_dict().items()}
    state = {k: resample(k, v, shapes[k]) for k, v in old.state_dict().items()}
    new.load_state_dict(state)
    weight = old.state_dict()["assign.weight"]  # T, R, H, W
    sized = interpolate(weight, size=(2, 3), mode="bilinear", antialias=True)
    expected = torch.einsum("ut,trhw->urhw", interpolation(4, 8).float(), sized)
    torch.testing.assert_close(state["assign.weight"], expected)
    assert resample_regions(weight, 4) is weight
    assert resample("assign.weight", weight, torch.Size((8, 3, 2, 3))) is weight  # other regions


def test_what_is_no_temporal_parameter_or_differs_otherwise_is_left_alone():
    shape = torch.Size
    for name, tensor, wanted in (
        ("value.weight", torch.randn(4, 2, 1, 1), shape((4, 4, 1, 1))),
        ("pixel.matrix", torch.randn(2, 4, 2, 4), shape((1, 8, 1, 8))),  # other groups
        ("position", torch.randn(4, 16), shape((8, 32))),  # another width
        ("position", torch.randn(4), shape((8,))),
    ):
        assert resample(name, tensor, wanted) is tensor
    half = torch.randn(2, 4, 2, 4, dtype=torch.float16)
    assert resample("pixel.matrix", half, shape((2, 8, 2, 8))).dtype == torch.float16
    assert resample("inserted.x.matrix", half, shape((2, 8, 2, 8))).shape == (2, 8, 2, 8)


def test_nothing_happens_unless_it_is_asked_for():
    block: nn.Module = GlobalTemporalAttention(16, 4, groups=2)
    with pytest.raises(ValueError, match="built for 4 frames, got 8"):
        block(torch.randn(1, 16, 8, 4, 4))
    with pytest.raises(RuntimeError, match="size mismatch"):
        GlobalTemporalAttention(16, 8, groups=2).load_state_dict(block.state_dict())


@pytest.mark.parametrize("num_frames", [3, 4, 8, 16])
def test_lags_of_another_number_of_frames_answer_a_constant_as_before(num_frames: int):
    lags = torch.randn(2, 8, 4, dtype=torch.float64)
    new = resample("inserted.res3_0.1.pixel.lags", lags, torch.Size((2, num_frames, 4)))
    assert new.shape == (2, num_frames, 4)
    assert torch.allclose(new.sum(1), lags.sum(1))
    assert resample("pixel.lags", lags, torch.Size((3, num_frames, 4))) is lags
