"""Networks with nothing special left in them: random weights, random running statistics."""

from typing import TypeVar

import torch
import torchvision
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def torchvision_resnet(depth: int, num_classes: int = 5) -> nn.Module:
    """torchvision's own, to compare with, in evaluation mode."""
    return randomize(getattr(torchvision.models, f"resnet{depth}")(num_classes=num_classes)).eval()


def randomize(network: Network, seed: int = 0) -> Network:
    """In place: every normalization and classifier is drawn anew, so that none hides anything."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                assert module.running_mean is not None
                assert module.running_var is not None
                for tensor in (module.weight, module.running_var):
                    tensor.copy_(0.5 + torch.rand(tensor.shape, generator=draw))
                for tensor in (module.bias, module.running_mean):
                    tensor.copy_(0.1 * torch.randn(tensor.shape, generator=draw))
            if type(module) is nn.Linear:  # not the projections of blocks
                for tensor in (module.weight, module.bias):
                    tensor.copy_(torch.randn(tensor.shape, generator=draw))
    return network


def random_clips(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Largest error / largest absolute expected value; the shapes must be equal."""
    assert actual.shape == expected.shape
    return float((actual - expected).abs().max() / expected.abs().max())
