"""Section 3.2 against the loops: Eq. 1-4 within each frame, and in time at each position."""

from typing import cast

import pytest
import torch
from torch import nn

from gta.blocks import (
    CGNL,
    TAPE,
    AlongSpace,
    AlongTime,
    GlobalContext,
    GlobalTemporalAttention,
    GloRe,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
    decoupled_half,
)
from gta.blocks.non_local import Pool

from .equations import non_local
from .random_weights import array, random_clip, randomize, relative_error, weights_of


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("pool", ["before", "after", None])
@pytest.mark.parametrize("scale", [True, False])
def test_spatial_attention_equals_the_loop_over_frames(
    scale: bool, pool: Pool | None, training: bool
):
    block = SpatialAttention(8, 3, pool=pool, scale=scale)
    randomize(block).train(training)
    x = random_clip(2, 8, 3, 5, 4)
    weights = weights_of(block.block)
    expected = non_local(array(x), weights, along="space", pool=pool, scale=scale)
    assert relative_error(block(x), expected) <= 1e-10


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("scale", [True, False])
def test_temporal_attention_equals_the_loop_over_positions(scale: bool, training: bool):
    block = TemporalAttention(8, 4, scale=scale)
    randomize(block).train(training)
    x = random_clip(2, 8, 4, 3, 5)
    expected = non_local(array(x), weights_of(block.block), along="time", scale=scale)
    assert relative_error(block(x), expected) <= 1e-10


def test_each_half_works_in_a_quarter_of_the_channels_unless_told():
    for half in (SpatialAttention(16, 8), TemporalAttention(16, 8)):
        assert cast(NonLocal, half.block).query.out_features == 4
    for half in (SpatialAttention(16, 8, width=3), TemporalAttention(16, 8, width=3)):
        assert cast(NonLocal, half.block).query.out_features == 3


def test_each_half_of_a_peer_works_in_half_of_its_joint_width_unless_told():
    def widths(make) -> list[int]:
        block = make.block if hasattr(make, "block") else make
        if isinstance(block, CGNL):
            return [block.query.out_features]
        if isinstance(block, GlobalContext):
            return [block.add[0].out_features]
        return [block.reduce.out_features, block.project.out_features]

    for block in (CGNL, GlobalContext, GloRe):
        joint = widths(block(64, 8))
        for along in ("space", "time"):
            assert [2 * w for w in widths(decoupled_half(block, along, 64, 8))] == joint
    assert widths(decoupled_half(CGNL, "time", 64, 8, width=24)) == [24]
    assert widths(decoupled_half(GloRe, "space", 64, 8, states=6)) == [6, 8]


def test_halves_of_a_peer_are_the_wrapped_block():
    x = random_clip(2, 16, 3, 4, 5)
    space = randomize(decoupled_half(GloRe, "space", 16, 3, normalize=True)).eval()
    time = randomize(decoupled_half(GlobalContext, "time", 16, 3, width=4)).eval()
    for t in range(3):
        frame = space.block(x[:, :, t : t + 1])
        torch.testing.assert_close(space(x)[:, :, t : t + 1], frame)
    for h in range(4):
        column = time.block(x[:, :, :, h : h + 1, 2:3])
        torch.testing.assert_close(time(x)[:, :, :, h : h + 1, 2:3], column)


def test_along_space_gives_its_block_single_frames():
    mean_of_frame = MeanOverEverything()
    x = random_clip(2, 3, 4, 5, 6)
    expected = x.mean(dim=(3, 4), keepdim=True).expand_as(x)
    assert torch.allclose(AlongSpace(mean_of_frame)(x), expected)


def test_along_time_gives_its_block_single_positions():
    x = random_clip(2, 3, 4, 5, 6)
    expected = x.mean(dim=2, keepdim=True).expand_as(x)
    assert torch.allclose(AlongTime(MeanOverEverything())(x), expected)


def test_along_time_changes_nothing_about_pixel_gta():
    """Pixel GTA already treats positions as samples."""
    block = randomize(GlobalTemporalAttention(8, 4, groups=2, region=False)).eval()
    x = random_clip(2, 8, 4, 3, 5)
    assert relative_error(AlongTime(block)(x), block(x)) <= 1e-12


def test_attention_of_each_frame():
    block = SpatialAttention(8, 3, pool="after")
    randomize(block)
    x = random_clip(2, 8, 3, 5, 4)
    attention = block.attention(x)
    assert attention.shape == (2, 3, 5 * 4, 2 * 2)
    alone = cast(NonLocal, block.block).attention(x[1:, :, 2:])
    assert relative_error(attention[1, 2], alone[0]) <= 1e-12


def test_attention_at_each_position():
    block = TemporalAttention(8, 3)
    randomize(block)
    x = random_clip(2, 8, 3, 5, 4)
    attention = block.attention(x)
    assert attention.shape == (2, 5 * 4, 3, 3)
    alone = cast(NonLocal, block.block).attention(x[1:, :, :, 4:, 1:2])
    assert relative_error(attention[1, 4 * 4 + 1], alone[0]) <= 1e-12


@pytest.mark.parametrize("pool", ["before", "after"])
def test_along_time_refuses_a_block_that_pools(pool: Pool):
    with pytest.raises(ValueError, match="AlongTime") as error:
        AlongTime(NonLocal(8, 3, pool=pool))
    assert str(error.value) == (
        "AlongTime gives its block one position at a time, so there is nothing to pool: got "
        f"pool='{pool}', pass pool=None"
    )


def test_along_time_refuses_a_block_that_pools_further_inside():
    with pytest.raises(ValueError, match="got pool='after', pass pool=None"):
        AlongTime(nn.Sequential(nn.Identity(), NonLocal(8, 3)))


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("block", [GlobalTemporalAttention(8, 3, groups=2), TAPE(8, 3)])
def test_along_space_refuses_a_block_that_mixes_frames(block: nn.Module, inside: bool):
    with pytest.raises(ValueError, match="AlongSpace") as error:
        AlongSpace(nn.Sequential(nn.Identity(), block) if inside else block)
    assert str(error.value) == (
        f"AlongSpace gives its block one frame at a time, but {type(block).__name__} was built to "
        f"mix 3: use it without AlongSpace"
    )


@pytest.mark.parametrize("along", [AlongSpace, AlongTime])
def test_attention_of_a_block_that_has_none(along: type[AlongSpace] | type[AlongTime]):
    wrapped = along(MeanOverEverything())
    with pytest.raises(AttributeError) as error:
        wrapped.attention(random_clip(1, 8, 3, 2, 2))
    assert str(error.value) == (
        "the wrapped MeanOverEverything has no attention(x): wrap a block that computes one from "
        "its input, such as NonLocal"
    )


class MeanOverEverything(nn.Module):
    """Shows what a wrapper puts into one sample."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3, 4), keepdim=True).expand_as(x)
