"""The colors of all figures, distinct for the color-blind and in grey.

Each color has one meaning: a map of weights is `HEAT`, numbers with a sign are `SIGNED`, categories
are taken from `KINDS` in order (Okabe and Ito 2008, https://jfly.uni-koeln.de/color/).
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb

HEAT = "inferno"
"""For weights from 0 upwards: rises evenly in lightness."""
SIGNED = "PuOr"
"""For numbers about 0: orange is negative, purple positive, white 0."""
UNSIGNED = "Purples"
"""For the absolute values of such numbers."""

KINDS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""For classes, models, regions; after eight they repeat."""
RIGHT, WRONG = "#0072B2", "#D55E00"
"""For right and wrong answers: blue and vermillion, always with a word or a sign."""
_DARK, _LIT, _MOST_LIT = 60, 150, 12
"""Brightness of a clip, 0 to 255: below which it is dark, to which it is brought, and the largest
factor."""
QUERY = "#00E5FF"
"""For the cross at the query position, on pictures and on `HEAT`; with a dark edge."""
INK, FAINT = "#1a1a1a", "#8a8a8a"
"""For text, and for less important parts."""


def kind_color(number: int) -> str:
    """The color of the category with that number."""
    return KINDS[number % len(KINDS)]


def heat(levels: np.ndarray) -> np.ndarray:
    """Colors (..., 3) of weights from 0 to 1, as overlays and their scales have them."""
    return colormaps[HEAT](0.15 + 0.8 * levels)[..., :3]


def lit(frames: np.ndarray) -> tuple[np.ndarray, float]:
    """Frames of a dark clip, all brightened by the same factor, and that factor.

    Args:
        frames: uint8 (T, H, W, 3); bright frames are returned unchanged, with factor 1.
    """
    light = float(np.percentile(frames, 95))
    factor = min(_LIT / max(light, 1.0), _MOST_LIT) if light < _DARK else 1.0
    if factor == 1:
        return frames, factor
    return np.clip(frames * factor, 0, 255).round().astype(np.uint8), factor


def overlay(frames: np.ndarray, maps: np.ndarray, *, most: float | None = None) -> np.ndarray:
    """Frames with weights on them: uint8 (T, H, W, 3).

    Where the weight is greatest, `HEAT` covers the frame; where it is 0, the frame is dark grey.

    Args:
        frames: uint8 (T, H, W, 3).
        maps: Weights (T, h, w), enlarged to the frames; below 0 counts as 0.
        most: The weight that covers the frame; None: the greatest of all frames.
    """
    shown = enlarge(np.maximum(maps, 0), frames.shape[1:3])
    top = float(maps.max()) if most is None else most
    level = np.clip(shown / top, 0, 1) if top > 0 else np.zeros_like(shown)
    grey = (frames / 255.0) @ np.array([0.299, 0.587, 0.114])
    base = 0.75 * grey[..., None].repeat(3, -1)
    share = (0.85 * level**0.6)[..., None]
    out = (1 - share) * base + share * heat(level)
    return (255 * out.clip(0, 1)).round().astype(np.uint8)


def region_overlay(frames: np.ndarray, parts: np.ndarray, *, strength: float = 0.75) -> np.ndarray:
    """Frames colored by soft regions: uint8 (T, H, W, 3).

    Each position has a mixture of its regions' colors, the more of a region the stronger; without
    any region the frame is grey.

    Args:
        frames: uint8 (T, H, W, 3).
        parts: (R, T, h, w), not negative, such as `ShownRegions.above`.
        strength: Opacity of the greatest part over the grey frame.
    """
    colors = np.array([to_rgb(kind_color(r)) for r in range(len(parts))])
    total = parts.sum(0)
    level = strength * np.sqrt(np.clip(total / max(float(parts.max()), 1e-12), 0, 1))
    mixed = np.einsum("rthw,rc->thwc", parts, colors) / np.maximum(total, 1e-12)[..., None]
    size = frames.shape[1:3]
    painted = np.stack([enlarge(level * mixed[..., c], size) for c in range(3)], -1)
    grey = ((frames / 255.0) @ np.array([0.299, 0.587, 0.114]))[..., None]
    out = (1 - enlarge(level, size))[..., None] * grey + painted
    return (255 * out.clip(0, 1)).round().astype(np.uint8)


def enlarge(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps (T, h, w) at the size of a frame, bilinear between the centers of cells: (T, H, W)."""
    rows, columns = (
        _weights(old, new) for old, new in zip(maps.shape[1:], size, strict=True)
    )  # (H, h), (W, w)
    return rows @ maps @ columns.T


def _weights(old: int, new: int) -> np.ndarray:
    center = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.maximum(0, 1 - np.abs(center[:, None] - np.arange(old)))
