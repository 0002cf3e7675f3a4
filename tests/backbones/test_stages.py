import pytest
from torch import nn
from torchvision import models

from gta.backbones.stages import seen_on_a_frame, stage_ends
from gta.errors import UsageError


def test_the_ends_of_stages_of_a_network_of_torchvision():
    assert stage_ends(models.resnet18()) == {8: "layer2", 16: "layer3", 32: "layer4"}
    ends = seen_on_a_frame(models.convnext_tiny())
    assert ends == {8: "features.3", 16: "features.5", 32: "features.7"}


def test_of_timm_as_it_says_itself():
    timm = pytest.importorskip("timm")
    network = timm.create_model("tf_efficientnet_lite0")
    assert stage_ends(network) == {8: "blocks.2", 16: "blocks.4", 32: "blocks.6"}


def test_a_network_without_stages():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    with pytest.raises(UsageError, match=r"Sequential has no stages of stride .*: say after which"):
        stage_ends(network)
