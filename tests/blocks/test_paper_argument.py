"""What the paper says of its blocks, as tests (sections 3.2-3.4, appendix B)."""

import pytest
import torch

from gta.blocks import TAPE, GlobalTemporalAttention, NonLocal
from gta.blocks.channel_groups import mix_groups
from gta.blocks.features import from_rows, to_rows

from .blocks_under_test import ALL, ATTENTION, CHANNELS, ORDER_AWARE, ORDER_BLIND, Make
from .random_weights import random_clip, randomize, relative_error

FRAMES = 4
ORDERS = {"reversed": [3, 2, 1, 0], "two exchanged": [0, 2, 1, 3], "shuffled": [2, 0, 3, 1]}

any_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())


@any_order
@pytest.mark.parametrize("make", ORDER_BLIND.values(), ids=ORDER_BLIND.keys())
def test_permuting_the_frames_permutes_the_output_of_nl_sa_and_ta(make: Make, order: list[int]):
    block = randomize(make(FRAMES)).eval()
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    assert relative_error(block(x[:, :, order]), block(x)[:, :, order]) <= 1e-10


@any_order
@pytest.mark.parametrize("make", ORDER_AWARE.values(), ids=ORDER_AWARE.keys())
def test_permuting_the_frames_changes_the_output_of_tape_and_gta(make: Make, order: list[int]):
    block = randomize(make(FRAMES)).eval()
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    assert relative_error(block(x[:, :, order]), block(x)[:, :, order]) > 0.01


@pytest.mark.parametrize("make", ORDER_BLIND.values(), ids=ORDER_BLIND.keys())
def test_the_mean_over_frames_after_nl_sa_and_ta_cannot_tell_a_clip_from_its_reverse(make: Make):
    """Why a 2D network with these blocks stays below the ceiling: its head sees this mean."""
    block = randomize(make(FRAMES)).eval()
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    assert relative_error(block(x.flip(2)).mean(2), block(x).mean(2)) <= 1e-10


@pytest.mark.parametrize("make", ORDER_AWARE.values(), ids=ORDER_AWARE.keys())
def test_the_mean_over_frames_after_tape_and_gta_can(make: Make):
    block = randomize(make(FRAMES)).eval()
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    assert relative_error(block(x.flip(2)).mean(2), block(x).mean(2)) > 0.01


@pytest.mark.parametrize("groups", [1, 2])
def test_tape_is_order_blind_without_its_positions(groups: int):
    block = TAPE(CHANNELS, FRAMES, groups=groups)
    randomize(block).eval()
    block.load_state_dict(block.state_dict() | {"position": torch.zeros(FRAMES, 4)})
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    assert relative_error(block(x.flip(2)), block(x).flip(2)) <= 1e-10


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_mixing_of_pixel_gta_is_the_same_for_all_samples(groups: int):
    """An affine function of the input: the matrix does not depend on it."""
    block = GlobalTemporalAttention(CHANNELS, FRAMES, groups=groups, region=False)
    randomize(block).eval()
    a, b = random_clip(1, CHANNELS, FRAMES, 4, 5), random_clip(1, CHANNELS, FRAMES, 4, 5, seed=2)
    blend = block(0.3 * a + 0.7 * b)
    assert relative_error(blend, 0.3 * block(a) + 0.7 * block(b)) <= 1e-12


@pytest.mark.parametrize("name", [*ATTENTION, *(n for n in ORDER_AWARE if "TAPE" in n)])
def test_the_mixing_of_attention_is_not(name: str):
    block = randomize(ALL[name](FRAMES)).eval()
    a, b = random_clip(1, CHANNELS, FRAMES, 4, 5), random_clip(1, CHANNELS, FRAMES, 4, 5, seed=2)
    blend = block(0.3 * a + 0.7 * b)
    assert relative_error(blend, 0.3 * block(a) + 0.7 * block(b)) > 0.01


def test_region_gta_is_linear_once_the_regions_are_given():
    """Only W_R is computed from the input, not the matrix over time."""
    block = GlobalTemporalAttention(CHANNELS, FRAMES, groups=2, pixel=False)
    randomize(block).eval()
    a, b = random_clip(1, CHANNELS, FRAMES, 4, 5), random_clip(1, CHANNELS, FRAMES, 4, 5, seed=2)
    regions = block.regions(a)
    block.regions = lambda x: regions
    blend = block(0.3 * a + 0.7 * b)
    assert relative_error(blend, 0.3 * block(a) + 0.7 * block(b)) <= 1e-12


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_pixel_gta_with_the_identity_matrix_returns_v_w_o(groups: int):
    block = GlobalTemporalAttention(CHANNELS, FRAMES, groups=groups, region=False)
    randomize(block).eval()
    branch = block.pixel
    assert branch is not None
    with torch.no_grad():
        branch.matrix.copy_(torch.eye(groups * FRAMES).view_as(branch.matrix))
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    expected = x + branch.norm(from_rows(branch.output(branch.value(to_rows(x)))))
    assert relative_error(block(x), expected) <= 1e-12


@pytest.mark.parametrize(
    ("groups", "reached"), [(1, [0]), (2, [0, 4]), (4, [0, 2, 4, 6]), (8, [*range(8)])]
)
def test_channels_mix_across_groups_only(groups: int, reached: list[int]):
    """Eq. 6 keeps a channel to itself; Eq. 8 carries it to its place in every other group."""
    value = torch.zeros(1, FRAMES, 1, 8, dtype=torch.float64)
    value[..., 0] = random_clip(1, FRAMES, 1)
    mixed = mix_groups(random_clip(groups, FRAMES, groups, FRAMES), value)
    assert mixed.abs().amax(dim=(0, 1, 2)).nonzero().flatten().tolist() == reached


def test_regions_are_found_within_each_frame():
    """Unlike GloRe's: a change in one frame changes no other frame's regions."""
    block = GlobalTemporalAttention(CHANNELS, FRAMES, groups=2, pixel=False)
    randomize(block).eval()
    x = random_clip(1, CHANNELS, FRAMES, 4, 5)
    other = x.clone()
    other[:, :, 2] = random_clip(1, CHANNELS, 4, 5, seed=2)
    same = (block.regions(x) == block.regions(other)).all(dim=4).all(dim=3).all(dim=1)
    assert same[0].tolist() == [True, True, False, True]


def test_each_region_is_modeled_by_itself():
    """Unlike GloRe's: what happens in one region does not reach the pixels of another."""
    block = GlobalTemporalAttention(CHANNELS, FRAMES, groups=2, pixel=False, regions=2)
    randomize(block).eval()
    left = torch.zeros(1, 1, FRAMES, 4, 6, dtype=torch.float64)
    left[..., :3] = 1.0
    block.regions = lambda x: torch.cat([left, 1.0 - left], dim=1)
    x = random_clip(1, CHANNELS, FRAMES, 4, 6)
    other = x.clone()
    other[:, :, 2, 1, 1] += 1.0
    difference = (block(other) - block(x)).abs().amax(dim=1)[0]
    assert (difference[..., :3] > 1e-6).all()  # all frames of all the region's pixels
    assert (difference[..., 3:] < 1e-12).all()


@pytest.mark.parametrize("name", ["NL", "NL dot product", "SA", "TA", "TAPE", "TAPE two groups"])
def test_what_attention_returns_is_what_forward_uses(name: str):
    """Drawn = computed: with attention switched off, only the biases of the end are left."""
    block = randomize(ALL[name](FRAMES)).eval()
    inner = next(m for m in block.modules() if isinstance(m, NonLocal | TAPE))
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    attention = inner.attention
    inner.attention = lambda x: torch.zeros_like(attention(x))
    assert inner.output.bias is not None
    constant = inner.norm(inner.output.bias.view(1, -1, 1, 1, 1))
    assert relative_error(block(x), x + constant) <= 1e-12


def test_what_attention_returns_is_what_forward_uses_row_by_row():
    """Every query looks at the last key alone: every position gets that key's value."""
    block = NonLocal(CHANNELS, FRAMES, pool=None)
    randomize(block).eval()
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    last = torch.zeros(2, FRAMES * 20, FRAMES * 20).double()
    last[:, :, -1] = 1.0
    block.attention = lambda x: last
    value = block.value(to_rows(x[:, :, -1:, -1:, -1:]))
    assert relative_error(block(x), x + block.norm(from_rows(block.output(value)))) <= 1e-12


def test_what_regions_returns_is_what_forward_uses():
    """No position belongs to a region: Region GTA has nothing to say."""
    block = GlobalTemporalAttention(CHANNELS, FRAMES, groups=2, pixel=False)
    randomize(block).eval()
    branch = block.region
    assert branch is not None
    x = random_clip(2, CHANNELS, FRAMES, 4, 5)
    regions = block.regions
    block.regions = lambda x: torch.zeros_like(regions(x))
    assert branch.output.bias is not None
    constant = branch.norm(branch.output.bias.view(1, -1, 1, 1, 1))
    assert relative_error(block(x), x + constant) <= 1e-12
