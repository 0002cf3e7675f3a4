"""The last layer of every block."""

from torch import nn


def zero_norm(channels: int) -> nn.BatchNorm3d:
    """Batch normalisation whose weight (and bias) start at zero.

    A block that ends in it adds nothing to its input when it is inserted, so a pretrained network
    keeps its logits; the first gradient steps open it.
    """
    norm = nn.BatchNorm3d(channels)
    nn.init.zeros_(norm.weight)
    return norm
