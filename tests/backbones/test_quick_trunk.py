"""A frozen trunk in less time: the same features, whatever the network, the size and the layout."""

import pytest
import timm
import torch
from torch import nn

from gta.backbones import ClipHead, TrunkNetwork
from gta.backbones.quick_trunk import (
    EvenConvolution,
    features_in_parts,
    quick_trunk,
    with_same_weights,
)


def trunk(name: str, after: str) -> TrunkNetwork:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=7)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    head = lambda channels, num_frames: ClipHead(channels, num_frames, 3)  # noqa: E731
    return TrunkNetwork(network, head, num_frames=4, after=after).eval()


NETWORKS = {
    "lite0": ("tf_efficientnet_lite0", "blocks.6"),
    "lite0, an earlier stage": ("tf_efficientnet_lite0", "blocks.4"),
    "resnet": ("resnet18", "layer4"),
    "convnext": ("convnext_atto", "stages.3"),
}


@pytest.mark.parametrize("about", NETWORKS.values(), ids=list(NETWORKS))
def test_the_features_stay(about):
    model = trunk(*about)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    quick = quick_trunk(model)
    for height, width in ((64, 64), (96, 64), (65, 64), (50, 70)):
        clips = torch.rand(2, 3, 4, height, width)
        with torch.inference_mode():
            expected = model.features(clips)
            torch.testing.assert_close(quick.features(clips), expected, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_what_is_left_out():
    quick = quick_trunk(trunk("tf_efficientnet_lite0", "blocks.6"))
    assert sum(isinstance(m, EvenConvolution) for m in quick.modules()) == 5
    assert not [m for m in quick.network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert isinstance(quick.network.conv_head, nn.Identity)


def test_a_copy_for_another_thread_has_the_same_weights():
    model = trunk("resnet18", "layer1")
    other = with_same_weights(model)
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(a.data_ptr() == b.data_ptr() for a, b in pairs)
    hook = next(iter(other.network.layer1._forward_hooks.values()))
    assert hook.__self__ is other  # its map is its own


def test_what_a_network_needs_is_not_left_out():
    class Doubled(nn.Module):
        """Looks at the parameters of what comes after its trunk."""

        def __init__(self):
            super().__init__()
            self.trunk, self.last = nn.Conv2d(3, 8, 3), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.trunk(x).mean((2, 3))) * self.last.weight.sum()

    head = lambda channels, num_frames: ClipHead(channels, num_frames, 3)  # noqa: E731
    quick = quick_trunk(TrunkNetwork(Doubled(), head, num_frames=2, after="trunk"))
    assert isinstance(quick.network.last, nn.Linear)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(8, 12), (7, 12), (9, 9)])
def test_padding_as_in_tensorflow(kernel: int, size: tuple[int, int]):
    from timm.layers import Conv2dSame

    conv = Conv2dSame(6, 6, kernel, stride=2, groups=6)
    x = torch.randn(2, 6, *size)
    torch.testing.assert_close(EvenConvolution(conv)(x), conv(x))


def test_frames_in_parts(monkeypatch: pytest.MonkeyPatch):
    model = trunk("resnet18", "layer1")
    clips = torch.rand(2, 3, 5, 64, 64)
    whole, seen = model.features(clips), list[int]()
    model.network.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    monkeypatch.setattr("gta.backbones.quick_trunk._PIXELS", 2 * 64 * 64)
    torch.testing.assert_close(features_in_parts(model, clips), whole)
    assert seen == [2, 2, 1] * 2
    monkeypatch.setattr("gta.backbones.quick_trunk._PIXELS", 1)
    torch.testing.assert_close(features_in_parts(model, clips), whole)
