"""Every kind of network is shown: shifted, slow and fast, frozen, those of timm, without blocks."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import timm
import torch
from torch import nn

from gta.backbones import ClipHead, FrameResNet, FrameWise, SlowFast, TrunkNetwork
from gta.blocks import GlobalTemporalAttention, SpatialAttention, TemporalAttention
from gta.config import Clip
from gta.figures.maps import blocks_of
from gta.figures.overlay import bars_of, overlay_frames
from gta.figures.show import figures_of, numbers
from gta.figures.subject import Subject

DECOUPLED = (SpatialAttention, TemporalAttention)


def gta(channels: int, num_frames: int) -> nn.Module:
    return GlobalTemporalAttention(channels, num_frames, groups=2)


def tsm() -> nn.Module:
    return FrameResNet(
        *(10,),
        **{"num_classes": 3, "num_frames": 4, "width": 16, "tsm": True},
        blocks=[SpatialAttention, gta],
        placement={"res3": [0], "res4": [0]},
    )


def slow_fast() -> nn.Module:
    return SlowFast(
        *(50,),
        **{"num_classes": 3, "num_frames": 8, "width": 8, "alpha": 2},
        blocks=DECOUPLED,
        placement={"res3": [1], "res4": [1]},
    )


def frozen() -> nn.Module:
    network = timm.create_model("efficientnet_lite0", num_classes=1)
    head = partial(ClipHead, num_classes=3, blocks=[SpatialAttention, gta])
    model = TrunkNetwork(network, head, num_frames=4, after="blocks.6")
    model.freeze()
    return model


def of_timm(name: str, at: str, size: int = 64) -> nn.Module:
    own = {"img_size": size} if "vit" in name else {}
    network = timm.create_model(name, num_classes=3, **own)
    return FrameWise(network, num_frames=4, blocks=DECOUPLED, at=[at], image_size=size)


NETWORKS = {
    "TSM": (tsm, "layer2.0", {"swapped": False, "matrices": 4}),
    "SlowFast": (slow_fast, "slow.layer2", {"swapped": True, "matrices": 0}),
    "frozen": (frozen, "network.blocks", {"swapped": False, "matrices": 2}),
    "ResNet": (
        lambda: of_timm("resnet10t", "layer2"),
        "network.layer2",
        {"swapped": True, "matrices": 0},
    ),
    "ViT, which reads its class token alone": (
        lambda: of_timm("vit_tiny_patch16_224", "blocks.2"),
        "network.blocks.2",
        {"swapped": True, "matrices": 0},
    ),
    "without blocks": (
        lambda: FrameResNet(10, num_classes=3, num_frames=4, width=16),
        "layer",
        {"swapped": False, "matrices": 0},
    ),
}


def with_a_clip(model: nn.Module) -> tuple[nn.Module, torch.Tensor, Clip]:
    """A network whose blocks do something, a clip that it takes, and the settings of that."""
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm3d):
            nn.init.constant_(norm.weight, 0.5)
    size = 128 if isinstance(model, TrunkNetwork) else 64
    frames = 8 if isinstance(model, SlowFast) else 4
    view = torch.randint(0, 256, (3, frames, size, size), dtype=torch.uint8)
    return model, view, Clip(num_frames=frames, size=size)


@pytest.mark.parametrize(("make", "layer", "has"), NETWORKS.values(), ids=list(NETWORKS))
def test_evidence_and_components_of_every_network(make, layer: str, has: dict):
    model, view, settings = with_a_clip(make().eval())
    subject = Subject("a run", model, view, settings, ["a", "b", "c"])
    told = numbers(subject)
    evidence = subject.evidence
    assert evidence.layer.startswith(layer)
    assert evidence.map.max() > 0
    assert evidence.map[0].size > 1
    assert np.isfinite(evidence.map).all()
    assert len(evidence.frames) == len(evidence.map)
    assert 0 < subject.components.explained.sum() <= 1 + 1e-6
    assert subject.components.scores.std() > 0
    assert ("swapped" in told) == has["swapped"]
    assert len(subject.matrices) == has["matrices"]
    assert (subject.region_layer is not None) == (has["matrices"] > 0)


@pytest.mark.parametrize("window", [3, 4])
def test_the_pictures_of_a_causal_network_show_its_lags(window: int):
    """Its blocks have a weight for each lag, in a window that may be shorter than a clip."""
    model = FrameResNet(
        *(10,),
        **{"num_classes": 3, "num_frames": window, "width": 16, "causal": True},
        blocks=[partial(GlobalTemporalAttention, groups=2, causal=True)],
        placement={"res4": [0]},
    ).eval()
    for block in blocks_of(model).values():
        for branch in (block.pixel, block.region):
            nn.init.normal_(branch.norm.weight)  # they begin at zero
    view = torch.randint(0, 256, (3, 4, 64, 64), dtype=torch.uint8)
    subject = Subject("a run", model, view, Clip(num_frames=4, size=64), ["a", "b", "c"])
    assert [(matrix.level, matrix.causal) for matrix in subject.matrices] == [
        ("pixel", True),
        ("region", True),
    ]
    assert [layer.kind for layer in subject.layers] == ["global"]
    for matrix in subject.matrices:
        assert matrix.added.shape == (window, window)
        over_clip = matrix.added_over(4)
        for t, s in product(range(4), range(4)):
            weight = matrix.added[-1, window - 1 - (t - s)] if 0 <= t - s < window else 0
            assert over_clip[t, s] == weight
    bars = bars_of(subject)
    assert bars.title.startswith("GTA: what is added to the shown frame")
    added = sum(matrix.added_over(4) for matrix in subject.matrices)
    assert np.array_equal(bars.values, added)
    assert len(overlay_frames(subject)) == 4
    assert {"attention", "matrices"} < figures_of(subject).keys()
