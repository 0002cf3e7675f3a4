"""The regions of Region GTA and GloRe, as soft segmentations: once, for all who draw them.

Axes: R regions, T frames of the feature, H, W.
"""

from dataclasses import dataclass

import numpy as np
import torch

from gta.blocks import GlobalTemporalAttention, GloRe
from gta.errors import UsageError
from gta.figures.maps import Layer
from gta.figures.palette import KINDS


def has_regions(layer: Layer) -> bool:
    """Whether its block assigns positions to regions."""
    block = layer.block
    return isinstance(block, GloRe) or (
        isinstance(block, GlobalTemporalAttention) and block.region is not None
    )


def are_shares(layer: Layer) -> bool:
    """Whether the block itself shares each position out: W_R is not negative, in sum 1 over R."""
    return getattr(layer.block, "normalisation", None) == "softmax_regions"


def region_weights(layer: Layer) -> np.ndarray:
    """W_R, as `forward` computes it: (R, T, H, W).

    Raises:
        UsageError: The block has none.
    """
    if not has_regions(layer):
        raise UsageError(f"{layer.name} has no regions: they are part of Region GTA and GloRe")
    with torch.no_grad():
        found = layer.block.regions(layer.x)[0].float()  # pyright: ignore
    return (found.unflatten(-1, layer.grid) if found.ndim == 2 else found).cpu().numpy()


def region_shares(layer: Layer) -> np.ndarray:
    """How much of each position belongs to each region: (R, T, H, W), in sum 1 over R.

    Where the block shares positions out, W_R itself. Of other assignments, a region's part of
    |W_R|: Eq. 5 has W_R twice, on the way to a region and back, so a region of Region GTA whose
    weights all change their sign does the same.
    """
    weights = region_weights(layer)
    if are_shares(layer):
        return weights
    sizes = np.abs(weights)
    total = sizes.sum(0, keepdims=True)
    # a position without any weight belongs to all regions alike
    return np.where(total > 0, sizes / np.where(total > 0, total, 1), 1 / len(sizes))


@dataclass(frozen=True, slots=True)
class ShownRegions:
    """As many regions as there are colors."""

    numbers: tuple[int, ...]
    """Of the regions that have a color of their own, in the order of the colors."""
    shares: np.ndarray
    """(len(numbers), T, H, W), and one more where `others`: that of the rest."""
    others: bool

    @property
    def above(self) -> np.ndarray:
        """How much more of a position each region has than of the clip on average: not negative.

        Where all regions have some of every position, this tells them apart, and the shares mix to
        one color.
        """
        return np.maximum(self.shares - self.shares.mean((1, 2, 3), keepdims=True), 0)


def shown_regions(shares: np.ndarray) -> ShownRegions:
    """All regions; of more than there are colors those that differ most from place to place.

    Args:
        shares: (R, T, H, W), in sum 1 over R.
    """
    most = len(KINDS)
    if len(shares) <= most:
        return ShownRegions(tuple(range(len(shares))), shares, others=False)
    kept = np.sort(np.argsort(-shares.std((1, 2, 3)), kind="stable")[: most - 1])
    rest = np.delete(shares, kept, axis=0).sum(0, keepdims=True)
    return ShownRegions(tuple(kept.tolist()), np.concatenate([shares[kept], rest]), others=True)
