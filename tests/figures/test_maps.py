"""Maps are what `forward` computes, and have their peak where the planted square is."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from gta.backbones import FrameResNet, FrameWise, SlowFast
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
)
from gta.config import Clip
from gta.errors import UsageError
from gta.figures.components import component_colors, components
from gta.figures.grad_cam import grad_cam
from gta.figures.maps import (
    Query,
    active_query,
    attention_over_frames,
    blocks_of,
    joint_attention,
    look,
    spatial_attention,
    temporal_attention,
)
from gta.figures.regions import region_shares, region_weights, shown_regions
from gta.figures.swap import swappable, swapped

from . import planted

QUICK, ALL = range(5), range(100)
seeds = pytest.mark.parametrize(
    "seeds", [QUICK, pytest.param(ALL, marks=pytest.mark.slow)], ids=["5", "100"]
)


@seeds
def test_the_peak_of_joint_attention_is_at_the_square(seeds: range):
    model = planted.network(*planted.JOINT)
    for seed in seeds:
        clip, place = planted.clip(seed)
        (layer,) = look(model, clip, planted.CLIP).layers
        weights = joint_attention(layer, Query(1, 1, 0))
        assert weights.sum() == pytest.approx(1, abs=1e-4)
        frames, cells = planted.distance(weights, place)
        assert (frames, cells <= 1) == (0, True), seed
        assert attention_over_frames(layer, Query(1, 1, 0)).argmax() == place[0]


@seeds
def test_the_peaks_of_decoupled_attention_are_at_the_square(seeds: range):
    model = planted.network(*planted.DECOUPLED)
    for seed in seeds:
        clip, place = planted.clip(seed)
        spatial, temporal = look(model, clip, planted.CLIP).layers
        query = Query(place[2], place[1], place[0])
        weights = spatial_attention(spatial, query)
        assert np.allclose(weights.sum((1, 2)), 1, atol=1e-4)
        assert planted.distance(weights[place[0]][None], (0, *place[1:]))[1] <= 1, seed
        assert (temporal_attention(temporal, query).argmax(1) == place[0]).all(), seed


@seeds
def test_the_peak_of_grad_cam_and_the_most_active_position_are_at_the_square(seeds: range):
    model = planted.network(*planted.JOINT)
    for seed in seeds:
        clip, place = planted.clip(seed)
        evidence = grad_cam(model, clip, planted.CLIP, 1)
        frames, cells = planted.distance(evidence.map, place)
        assert (frames, cells <= 1, evidence.relative) == (0, True, False), seed
        query = active_query(look(model, clip, planted.CLIP).layers[0])
        assert query.frame == place[0]
        assert max(abs(query.y - place[1]), abs(query.x - place[2])) <= planted.CELL, seed


def test_the_first_component_sets_the_square_apart():
    clip, place = planted.clip(0)
    found = components(planted.network(), clip, planted.CLIP)
    frames, cells = planted.distance(found.scores[..., 0], place)
    assert (frames, cells <= 1) == (0, True)
    assert found.layer == "network.features"
    assert found.explained[0] > 0.9


KINDS = {
    "joint": (NonLocal, 1),
    "joint, pooled before": (lambda C, T: NonLocal(C, T, pool="before"), 1),
    "context": (GlobalContext, 1),
    "spatial": (SpatialAttention, 1),
    "spatial context": (lambda C, T: AlongSpace(GlobalContext(C, T, width=4)), 1),
    "temporal": (TemporalAttention, 1),
    "temporal context": (lambda C, T: AlongTime(GlobalContext(C, T, width=4)), 1),
    "TAPE": (TAPE, 1),
    "TAPE of two groups": (lambda C, T: TAPE(C, T, groups=2), 1),
}


@pytest.mark.parametrize(("make", "total"), KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("size", [48, 56])  # 6x6 and 7x7 positions: pooling drops the last
def test_every_map_is_a_row_of_what_forward_computes(make, total: float, size: int):
    network = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = FrameWise(network, num_frames=4, blocks=[make], at=["0"], image_size=size).eval()
    view = torch.randint(0, 256, (3, 4, size, size), dtype=torch.uint8)
    (layer,) = look(model, view, Clip(num_frames=4, size=size)).layers
    query = Query(20, 30, 2)
    side = size // 8
    t, i, j = layer.cell(query)
    assert (t, i, j) == (2, 30 * side // size, 20 * side // size)
    own = layer.block.attention(layer.x)[0].detach().numpy()
    number = (t * side + i) * side + j
    if layer.kind == "joint":
        found = joint_attention(layer, query)
        row = own[number] if own.ndim == 2 else own
    elif layer.kind == "spatial":
        found = spatial_attention(layer, query)[t]
        row = own[t, i * side + j] if own.ndim == 3 else own[t]
    else:
        found = temporal_attention(layer, query)[t]
        row = own[i * side + j]
        row = row[:, t].mean((0, 1)) if row.ndim == 4 else row[t] if row.ndim == 2 else row
    assert found.sum() == pytest.approx(total, abs=1e-5)
    if layer.kind == "temporal" or row.size == found.size:
        assert np.allclose(found.ravel(), row.ravel(), atol=1e-7)
    else:
        h = side // 2
        cells = found.reshape(-1, side, side)[:, : 2 * h, : 2 * h]
        cells = cells.reshape(-1, h, 2, h, 2).sum((2, 4))
        assert np.allclose(cells.ravel(), row.ravel(), atol=1e-7)


def test_regions_are_those_of_the_block():
    model = FrameResNet(
        10,
        num_classes=2,
        num_frames=4,
        width=16,
        blocks=[GlobalTemporalAttention, GloRe, CGNL],
        placement={"res3": [0]},
    ).eval()
    view = torch.randint(0, 256, (3, 4, 64, 64), dtype=torch.uint8)
    layers = look(model, view, Clip(num_frames=4, size=64)).layers
    assert [layer.kind for layer in layers] == ["global", "other", "other"]
    shares = region_shares(layers[0])
    assert shares.shape == (8, 4, 8, 8)
    assert np.array_equal(shares, region_weights(layers[0]))  # a softmax shares positions out
    assert np.allclose(shares.sum(0), 1, atol=1e-5)
    assert region_weights(layers[1]).shape == (8, 4, 8, 8)
    assert np.allclose(region_shares(layers[1]).sum(0), 1, atol=1e-5)
    with pytest.raises(UsageError, match="has no regions: they are part of Region GTA and GloRe"):
        region_shares(layers[2])
    with pytest.raises(UsageError, match="is a block of global attention, not of joint"):
        joint_attention(layers[0], Query(0, 0, 0))


def test_a_region_whose_weights_change_their_sign_is_the_same_region():
    """Of W_R without a softmax: the network does the same, so the same is drawn."""
    make = partial(GlobalTemporalAttention, groups=2, pixel=False, assignment="none")
    layers = [nn.Conv2d(3, 16, 8, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = FrameWise(
        nn.Sequential(*layers), num_frames=4, blocks=[make], at=["0"], image_size=64
    ).eval()
    (block,) = blocks_of(model).values()
    nn.init.ones_(block.region.norm.weight)  # pyright: ignore
    view = torch.randint(0, 256, (3, 4, 64, 64), dtype=torch.uint8)
    clip = Clip(num_frames=4, size=64)

    def seen() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = look(model, view, clip)
        return found.probabilities, region_weights(found.layers[0]), region_shares(found.layers[0])

    before = seen()
    with torch.no_grad():
        for parameter in block.assign.parameters():  # pyright: ignore
            parameter[3] *= -1
    after = seen()
    assert np.allclose(after[1][3], -before[1][3], atol=1e-6)
    assert np.allclose(after[0], before[0], atol=1e-5)
    assert np.allclose(after[2], before[2], atol=1e-6)


def test_of_many_regions_those_that_differ_most_have_a_color():
    shares = np.full((20, 2, 3, 3), 0.01, dtype=np.float32)
    shares[[4, 17], 0] += 0.2
    shares /= shares.sum(0)
    few = shown_regions(shares)
    assert len(few.numbers) == 7
    assert {4, 17} <= {*few.numbers}
    assert few.others
    assert np.allclose(few.shares.sum(0), 1)
    assert np.array_equal(few.shares[few.numbers.index(17)], shares[17])
    assert few.above[few.numbers.index(17), 0].min() > 0  # where it has more than elsewhere
    assert few.above[few.numbers.index(17), 1].max() == 0
    assert shown_regions(shares[:8]).numbers == tuple(range(8))


def test_the_slow_pathway_has_its_own_frames_and_grad_cam_looks_at_it():
    model = SlowFast(
        50,
        num_classes=3,
        num_frames=16,
        width=8,
        blocks=[SpatialAttention, TemporalAttention],
        placement={"res3": [1]},
    ).eval()
    view = torch.randint(0, 256, (3, 16, 64, 64), dtype=torch.uint8)
    clip = Clip(num_frames=16, size=64)
    seen = look(model, view, clip)
    assert [layer.kind for layer in seen.layers] == ["spatial", "temporal"]
    assert seen.layers[0].frames == (0, 5, 10, 15)
    assert seen.layers[0].cell(Query(0, 0, 9))[0] == 2
    evidence = grad_cam(model, view, clip, 1)
    assert evidence.layer.startswith("slow.layer2.1")
    assert evidence.frames == (0, 5, 10, 15)
    assert evidence.map.any()


def test_swapping_exchanges_the_projections_and_puts_them_back():
    model = planted.network(SpatialAttention, TAPE)
    (pair,) = swappable(model)
    before = [part.query.weight for part in pair]
    clip, _ = planted.clip(0)
    plain = look(model, clip, planted.CLIP).layers[0].attention
    with swapped(model):
        other = look(model, clip, planted.CLIP).layers[0]
        assert other.block.block.query.weight is before[1]  # pyright: ignore
        assert not torch.equal(other.attention, plain)
    assert [part.query.weight is weight for part, weight in zip(pair, before, strict=True)] == [
        True,
        True,
    ]
    assert torch.equal(look(model, clip, planted.CLIP).layers[0].attention, plain)
    with (
        pytest.raises(UsageError, match="such as --blocks sa,ta; this network has no such pair"),
        swapped(planted.network(NonLocal)),
    ):
        pass


def test_nothing_is_left_in_the_network():
    model = planted.network(*planted.JOINT)
    clip, _ = planted.clip(0)

    def hooks() -> int:
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())

    before = hooks()
    look(model, clip, planted.CLIP)
    grad_cam(model, clip, planted.CLIP, 0)
    components(model, clip, planted.CLIP)
    assert hooks() == before
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("label", [0, 1])
def test_grad_cam_is_never_empty(label: int):
    """Class 0 has no evidence in any picture: what speaks least against it is shown, and said."""
    clip, _ = planted.clip(0)
    evidence = grad_cam(planted.network(), clip, planted.CLIP, label)
    assert evidence.map.max() > 0
    assert evidence.map.min() >= 0
    assert evidence.relative == (label == 0)
    with pytest.raises(UsageError, match=r"'network.feature' is no module with feature maps. Did"):
        grad_cam(planted.network(), clip, planted.CLIP, 0, layer="network.feature")


class FirstMinusLast(nn.Module):
    """Class 1 if the first frame is brighter than the last: what order tells, and nothing else."""

    def __init__(self):
        super().__init__()
        convolution = nn.Conv3d(3, 2, (1, 8, 8), (1, 8, 8), bias=False)
        nn.init.constant_(convolution.weight, 1 / 192)
        self.features = nn.Sequential(convolution, nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        light = self.features(x).mean((1, 3, 4))
        told = 100 * (light[:, 0] - light[:, -1])
        return torch.stack([-told, told], 1)


def test_what_speaks_for_a_class_in_one_frame_and_against_it_in_another_is_told_apart():
    clip, _ = planted.clip(0)
    clip[:] = 20
    clip[:, [0, -1], 24:34, 40:50] = 255  # the same square first and last
    for label, frame in ((1, 0), (0, planted.FRAMES - 1)):
        evidence = grad_cam(FirstMinusLast().eval(), clip, planted.CLIP, label)
        assert not evidence.relative
        assert np.unravel_index(evidence.map.argmax(), evidence.map.shape)[0] == frame
        assert evidence.map[frame].sum() == pytest.approx(evidence.map.sum())


def test_colors_of_components_rise_in_lightness():
    scores = np.linspace(0, 1, 11)[:, None] * [1, 0, 0] + [0, 0.5, 0.5]
    grey = component_colors(scores) @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > 5).all()
