"""Blocks with nothing special left in them, and what `equations.py` needs of a block."""

import numpy as np
import torch
from torch import Tensor, nn

from gta.blocks.gta import LearnedRegions

from .equations import Norm


def randomize(block: nn.Module, seed: int = 0) -> nn.Module:
    """In place, in float64: every parameter and every running statistic is drawn anew.

    A new block's last normalization is zero, which would hide everything before it.
    """
    draw = torch.Generator().manual_seed(seed)
    block.double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=draw))
        for norm in block.modules():
            if isinstance(norm, nn.BatchNorm3d):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                norm.weight.add_(norm.weight.sign())  # some negative, none near zero
                norm.running_mean.copy_(torch.randn(norm.num_features, generator=draw))
                norm.running_var.copy_(0.5 + torch.rand(norm.num_features, generator=draw))
    return block


def opened(block: nn.Module) -> nn.Module:
    """A new block, in float64, that adds something to its input.

    Its attention is nearly uniform, so what is attended to hardly varies, beside a mean that does
    not: the hard case for statistics in half precision.
    """
    for norm in block.double().modules():
        if isinstance(norm, nn.BatchNorm3d):
            nn.init.normal_(norm.weight)
    return block


def random_clip(*shape: int, seed: int = 1) -> Tensor:
    """(B, C, T, H, W) in float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weights_of(module: nn.Module) -> dict:
    """The projections and the norm that lie directly in a module, by name, as numpy arrays."""
    weights = {}
    for name, layer in module.named_children():
        if isinstance(layer, LearnedRegions):
            weights[name] = array(layer.weight)
        if isinstance(layer, nn.Linear):
            assert layer.bias is not None
            weights[name] = (array(layer.weight.flatten(1)), array(layer.bias))
        if isinstance(layer, nn.BatchNorm3d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            statistics = array(layer.running_mean), array(layer.running_var)
            weights[name] = Norm(
                array(layer.weight), array(layer.bias), *statistics, layer.eps, layer.training
            )
    return weights


def array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


def relative_error(actual: Tensor | np.ndarray, expected: Tensor | np.ndarray) -> float:
    """Largest error / largest absolute expected value; the shapes must be equal."""
    actual = array(actual) if isinstance(actual, Tensor) else actual
    expected = array(expected) if isinstance(expected, Tensor) else expected
    assert actual.shape == expected.shape
    return float(np.abs(actual - expected).max() / np.abs(expected).max())
