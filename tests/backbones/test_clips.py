"""An input that is no batch of clips is refused by each network, in the same words."""

import numpy as np
import pytest
import torch
from torch import nn

from gta.backbones import FrameResNet, FrameWise, SlowFast


def networks(device: str = "cpu") -> dict[str, nn.Module]:
    with torch.device(device):
        flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return {
            "FrameResNet": FrameResNet(10, num_classes=2, num_frames=8, width=8),
            "SlowFast": SlowFast(50, num_classes=2, num_frames=8, width=8),
            "FrameWise": FrameWise(flat, num_frames=8),
        }


WRONG = {
    (2, 8, 3, 32, 32): "channels second, 3 of them; clips.transpose(1, 2) exchanges them with T",
    (2, 8, 32, 32, 3): "channels second, 3 of them; clips.permute(0, 4, 1, 2, 3) puts them there",
    (2, 1, 8, 32, 32): "channels second, 3 of them (red, green, blue)",
    (3, 8, 32, 32): "one clip is a batch of one, clip[None]",
    (8, 3, 32, 32): "frames (T, C, H, W) are the clip frames.transpose(0, 1)[None]",
    (8, 32, 32, 3): "frames (T, H, W, C) are the clip frames.permute(3, 0, 1, 2)[None]",
    (32, 32): "channels second, 3 of them (red, green, blue)",
}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", ["FrameResNet", "SlowFast", "FrameWise"])
def test_a_wrong_shape_says_the_right_one(name: str, device: str):
    network = networks(device)[name]
    for shape, way_out in WRONG.items():
        with pytest.raises(ValueError, match="expects") as caught:
            network(torch.empty(shape, device=device))
        assert str(caught.value) == f"expects (B, C, T, H, W); got {shape}: {way_out}"
    assert network(torch.zeros(1, 3, 8, 32, 32, device=device)).shape[0] == 1


@pytest.mark.parametrize("name", ["FrameResNet", "SlowFast", "FrameWise"])
def test_what_is_no_clip_at_all(name: str):
    network = networks()[name]
    with pytest.raises(TypeError, match=r"got numpy.ndarray: make it one with torch.as_tensor"):
        network(np.zeros((1, 3, 8, 32, 32), np.float32))
    with pytest.raises(
        TypeError, match=r"got torch.uint8: gta.data.transforms.clip.normalize makes"
    ):
        network(torch.zeros(1, 3, 8, 32, 32, dtype=torch.uint8))


def test_the_ways_out_lead_to_clips():
    network = networks()["FrameResNet"].eval()
    clip = torch.randn(3, 8, 32, 32)
    expected = network(clip[None])
    for frames in (clip.transpose(0, 1), clip.permute(1, 2, 3, 0)):
        back = frames.transpose(0, 1) if frames.shape[1] == 3 else frames.permute(3, 0, 1, 2)
        torch.testing.assert_close(network(back[None]), expected)


def test_an_exported_network_holds_nothing_of_it():
    network = networks()["FrameResNet"].eval()
    clips = torch.randn(2, 3, 8, 32, 32)
    exported = torch.export.export(network, (clips,))
    assert not [node for node in exported.graph.nodes if "assert" in str(node.target)]
    torch.testing.assert_close(exported.module()(clips), network(clips))
