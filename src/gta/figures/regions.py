"""The regions of Region GTA and GloRe as soft segmentations, for all figures.

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
    """Whether W_R divides each position among regions: not negative, in sum 1 over R."""
    return getattr(layer.block, "normalization", None) == "softmax_regions"


def region_weights(layer: Layer) -> np.ndarray:
    """W_R, as `forward` computes it: (R, T, H, W).

    Raises:
        UsageError: The block has no regions.
    """
    if not has_regions(layer):
        raise UsageError(f"{layer.name} has no regions: they are part of Region GTA and GloRe")
    with torch.no_grad():
        weights = layer.block.regions(layer.x)[0].float()  # pyright: ignore
    return (weights.unflatten(-1, layer.grid) if weights.ndim == 2 else weights).cpu().numpy()


def region_shares(layer: Layer) -> np.ndarray:
    """How much of each position belongs to each region: (R, T, H, W), in sum 1 over R.

    If W_R itself divides positions, it is returned. Of other assignments it is a region's share of
    |W_R|: Eq. 5 has W_R twice, on the way to a region and back, so changing the sign of all weights
    of a region of Region GTA changes nothing.
    """
    weights = region_weights(layer)
    if are_shares(layer):
        return weights
    sizes = np.abs(weights)
    total = sizes.sum(0, keepdims=True)
    # a position without any weight belongs to all regions equally
    return np.where(total > 0, sizes / np.where(total > 0, total, 1), 1 / len(sizes))


@dataclass(frozen=True, slots=True)
class ShownRegions:
    """The regions that are shown, at most as many as there are colors."""

    numbers: tuple[int, ...]
    """Numbers of the regions with a color of their own, in the order of the colors."""
    shares: np.ndarray
    """(len(numbers), T, H, W), and the sum of the other regions at the end if `others`."""
    others: bool

    @property
    def above(self) -> np.ndarray:
        """How far each region's share is above its mean over the clip: not negative.

        If all regions have a share of every position, the shares mix to one color; this does not.
        """
        return np.maximum(self.shares - self.shares.mean((1, 2, 3), keepdims=True), 0)


def shown_regions(shares: np.ndarray) -> ShownRegions:
    """All regions; if there are more than colors, those that vary most over positions.

    Args:
        shares: (R, T, H, W), in sum 1 over R.
    """
    most = len(KINDS)
    if len(shares) <= most:
        return ShownRegions(tuple(range(len(shares))), shares, others=False)
    kept = np.sort(np.argsort(-shares.std((1, 2, 3)), kind="stable")[: most - 1])
    rest = np.delete(shares, kept, axis=0).sum(0, keepdims=True)
    return ShownRegions(tuple(kept.tolist()), np.concatenate([shares[kept], rest]), others=True)
