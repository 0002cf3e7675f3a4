"""Folding normalizations changes no output."""

import pytest
import torch
from torch import nn

from gta.backbones import FrameResNet, SlowFast, fold_norms
from gta.blocks import GlobalTemporalAttention


def block(channels: int, num_frames: int) -> nn.Module:
    return GlobalTemporalAttention(channels, num_frames, groups=2)


SIZES = {"num_classes": 5, "num_frames": 4, "width": 16}
NETWORKS = {
    "basic": lambda: FrameResNet(18, **SIZES, blocks=[block], placement={"res3": [0]}),
    "bottleneck": lambda: FrameResNet(50, **SIZES, tsm=True),
    "slow_fast": lambda: SlowFast(50, **SIZES | {"num_frames": 8}),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())
def test_same_outputs(make):
    model = make()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.uniform_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1)
    model.eval()
    clip = torch.randn(2, 3, model.num_frames, 64, 64)
    folded = fold_norms(model)
    left = [name for name, m in folded.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert not left
    torch.testing.assert_close(folded(clip), model(clip), rtol=1e-3, atol=1e-4)
    assert any(isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d) for m in model.modules())  # a copy


def test_not_in_training():
    with pytest.raises(ValueError, match=r"call model\.eval\(\) first"):
        fold_norms(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)))
