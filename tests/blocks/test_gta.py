"""GlobalTemporalAttention against the loops of Eq. 5-8."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from gta.blocks import GlobalTemporalAttention
from gta.blocks.gta import Assignment, Branch, LearnedRegions

from .equations import assign, pixel_gta, region_gta
from .random_weights import array, random_clip, randomize, relative_error, weights_of

ASSIGNMENTS = ["softmax_regions", "softmax_positions", "none"]


def matrix_of(branch: Branch) -> np.ndarray:
    """(K, T, G, S) as the loops index it, (G, K, T, S)."""
    return array(branch.matrix).transpose(2, 0, 1, 3)


def loops(block: GlobalTemporalAttention, x: torch.Tensor) -> np.ndarray:
    y = array(x)  # Eq. 5
    if block.pixel is not None:
        y = y + pixel_gta(array(x), weights_of(block.pixel), matrix_of(block.pixel))
    if block.region is not None:
        weights = weights_of(block.region) | weights_of(block)
        y = y + region_gta(array(x), weights, matrix_of(block.region), block.normalization)
    return y


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("pixel", "region", "assignment"),
    [(True, False, "softmax_regions")]
    + [(pixel, True, assignment) for pixel in (True, False) for assignment in ASSIGNMENTS],
)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_equals_the_loops(
    groups: int, pixel: bool, region: bool, assignment: Assignment, training: bool
):
    block = GlobalTemporalAttention(
        6,
        3,
        width=4,
        groups=groups,
        pixel=pixel,
        region=region,
        regions=3,
        assignment=assignment,
    )
    randomize(block).train(training)
    x = random_clip(2, 6, 3, 3, 2)
    assert relative_error(block(x), loops(block, x)) <= 1e-10


@pytest.mark.parametrize("heads", [1, 2, 4, 6])
@pytest.mark.parametrize("training", [False, True])
def test_other_heads_than_groups_equal_the_loops(heads: int, training: bool):
    block = GlobalTemporalAttention(6, 3, width=4, groups=2, heads=heads, regions=3)
    randomize(block).train(training)
    x = random_clip(2, 6, 3, 3, 2)
    assert relative_error(block(x), loops(block, x)) <= 1e-10


def test_as_many_heads_as_groups_need_no_layer_of_their_own():
    torch.manual_seed(0)
    plain = GlobalTemporalAttention(16, 3, groups=2)
    torch.manual_seed(0)
    block = GlobalTemporalAttention(16, 3, groups=2, heads=2)
    assert plain.state_dict().keys() == block.state_dict().keys()
    x = random_clip(2, 16, 3, 3, 2).float()
    assert torch.equal(randomize(plain)(x.double()), randomize(block)(x.double()))
    with_layer = GlobalTemporalAttention(16, 3, groups=2, heads=3)
    assert with_layer.pixel is not None
    assert with_layer.pixel.matrix.shape == (3, 3, 2, 3)  # K, T, G, S
    assert with_layer.pixel.heads is not None
    assert with_layer.pixel.heads.weight.shape == (4, 3 * 2)  # C/4, K * (C/4)/G


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("pixel", [True, False])
def test_learned_regions_equal_the_loops(pixel: bool, assignment: Assignment):
    block = GlobalTemporalAttention(
        6, 3, width=4, groups=2, regions=3, region_grid=(3, 2), pixel=pixel, assignment=assignment
    )
    randomize(block)
    x = random_clip(2, 6, 3, 3, 2)
    assert relative_error(block(x), loops(block, x)) <= 1e-10
    regions = block.regions(x)
    assert regions.shape == (2, 3, 3, 3, 2)  # B, R, T, H, W
    assert torch.equal(regions[0], regions[1])  # the same for all samples


@pytest.mark.parametrize("size", [(6, 4), (2, 2), (5, 3)])
def test_a_frame_of_another_size_sees_learned_regions_resized(size: tuple[int, int]):
    block = GlobalTemporalAttention(6, 3, width=4, groups=2, region_grid=(3, 2), assignment="none")
    randomize(block)
    assert isinstance(block.assign, LearnedRegions)
    regions = block.regions(random_clip(1, 6, 3, *size))[0]
    weight = block.assign.weight.detach().movedim(0, 1)
    expected = interpolate(weight, size=size, mode="bilinear", antialias=True)
    torch.testing.assert_close(regions, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("grid", [(0, 3), (3, -1)])
def test_a_grid_without_positions(grid: tuple[int, int]):
    with pytest.raises(ValueError, match="region_grid") as error:
        GlobalTemporalAttention(32, 3, region_grid=grid)
    assert str(error.value) == f"both numbers of region_grid must be at least 1, got {min(grid)}"


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_regions_are_w_r(assignment: Assignment):
    block = GlobalTemporalAttention(6, 3, width=2, groups=1, regions=4, assignment=assignment)
    randomize(block)
    x = random_clip(2, 6, 3, 5, 2)
    regions = block.regions(x)
    assert regions.shape == (2, 4, 3, 5, 2)
    assert (
        relative_error(regions, assign(array(x), weights_of(block)["assign"], assignment)) <= 1e-10
    )


def test_softmax_regions_shares_out_every_position():
    block = GlobalTemporalAttention(32, 3, assignment="softmax_regions").double()
    regions = block.regions(random_clip(2, 32, 3, 5, 2))
    assert torch.allclose(regions.sum(dim=1), torch.ones(2, 3, 5, 2).double())


def test_softmax_positions_makes_every_region_a_mean():
    block = GlobalTemporalAttention(32, 3, assignment="softmax_positions").double()
    regions = block.regions(random_clip(2, 32, 3, 5, 2))
    assert torch.allclose(regions.sum(dim=(3, 4)), torch.ones(2, 8, 3).double())


@pytest.mark.parametrize("assignment", ["softmax_regions", "none"])
def test_the_frame_size_does_not_change_the_scale_of_the_regions(assignment: Assignment):
    """A frame tiled four times has the same regions, so its pixels get the same answer."""
    block = GlobalTemporalAttention(32, 3, pixel=False, assignment=assignment)
    randomize(block).eval()
    x = random_clip(2, 32, 3, 5, 2)
    assert relative_error(block(x.tile(1, 1, 1, 2, 2)), block(x).tile(1, 1, 1, 2, 2)) <= 1e-12


def test_pixel_and_region_own_separate_weights():
    block = GlobalTemporalAttention(32, 3)
    assert block.pixel is not None
    assert block.region is not None
    shared = {id(p) for p in block.pixel.parameters()} & {id(p) for p in block.region.parameters()}
    assert not shared


def test_the_defaults_are_the_papers():
    block = GlobalTemporalAttention(64, 5)
    assert block.pixel is not None
    assert block.region is not None
    assert block.assign is not None
    for branch in (block.pixel, block.region):
        assert branch.value.out_features == 16  # C/4
        assert branch.matrix.shape == (8, 5, 8, 5)  # K, T, G, S with G = 8
    assert block.assign.out_features == 8  # R


def test_the_matrix_starts_random_and_keeps_the_variance():
    torch.manual_seed(0)
    branch = GlobalTemporalAttention(64, 8, region=False).pixel
    assert branch is not None
    rows = branch.matrix.flatten(2).flatten(0, 1)  # one for each output channel group and frame
    assert 0.9 < rows.square().sum(dim=1).mean() < 1.1
    assert torch.unique(rows).numel() == rows.numel()


def test_a_block_without_branches_is_refused():
    with pytest.raises(ValueError, match="branches") as error:
        GlobalTemporalAttention(32, 3, pixel=False, region=False)
    assert str(error.value) == (
        "a GTA block without branches does nothing: set pixel=True, region=True or both"
    )


def test_regions_of_a_block_without_them():
    block = GlobalTemporalAttention(32, 3, region=False)
    with pytest.raises(ValueError, match="Region GTA") as error:
        block.regions(torch.zeros(1, 32, 3, 2, 2))
    assert str(error.value) == "this block has no Region GTA branch: build it with region=True"


@pytest.mark.parametrize("groups", [3, 0, -2])
def test_groups_must_divide_the_width(groups: int):
    with pytest.raises(ValueError, match="groups") as error:
        GlobalTemporalAttention(16, 3, groups=groups)
    assert str(error.value) == (
        f"{groups} groups do not divide the block's width of 4 channels: "
        "groups must be one of [1, 2, 4]"
    )
