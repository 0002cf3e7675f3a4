"""Principal components of a network's features, as colors that are the same in all frames.

Axes: C channels, T frames of the feature, H, W.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gta.config import Clip
from gta.devices import full_precision
from gta.errors import UsageError
from gta.figures.feature_maps import FeatureMap, noting_feature_maps
from gta.figures.maps import normalized, shown_frames

FINE = 49
"""Positions that a frame needs so that its parts are seen; the last module with so many is taken,
or else the module with the most."""


@dataclass(frozen=True, slots=True)
class Components:
    """The three directions in which features differ most over a clip."""

    scores: np.ndarray
    """float32 (T, H, W, 3), each from 0 to 1 over the clip."""
    explained: np.ndarray
    """(3,), shares of the variance."""
    layer: str
    frames: tuple[int, ...]
    """For each of the T frames, the frame of the clip that it shows."""


def components(
    model: nn.Module, view: Tensor, clip: Clip, *, layer: str | None = None
) -> Components:
    """Principal components over all positions and frames of a clip together.

    Since the directions are the same in all frames, so are the colors. Their signs are chosen so
    that few positions have the high values, which does not depend on the device.

    Args:
        model: In evaluation mode.
        view: The clip, uint8 (3, T, H, W).
        clip: How pixels are normalized.
        layer: The path of a module.

    Raises:
        UsageError: There is no such module, or none with feature maps.
    """
    maps: list[FeatureMap] = []
    with torch.no_grad(), full_precision(), noting_feature_maps(model, maps, view.shape[1:]):
        model(normalized(model, view, clip))
    named = [each for each in maps if layer in (None, each.name)]
    if not named:
        names = ", ".join(each.name for each in maps[-8:]) or "none"
        raise UsageError(f"there is no module {layer!r} with feature maps; there are {names}")
    fine = [each for each in named if each.feature[0, 0, 0].numel() >= FINE]
    chosen = fine[-1] if fine else max(named, key=lambda each: each.feature[0, 0].numel())
    feature = chosen.feature[0].double().cpu()  # (C, T, H, W)
    rows = feature.flatten(1).T  # (T*H*W, C)
    rows = rows - rows.mean(0)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    count = min(3, len(values))
    scores = rows @ vectors[:, -count:].flip(1)
    scores = scores * scores.pow(3).mean(0).sign().add(0.5).sign()  # 0 counts as positive
    low, high = scores.quantile(0.01, dim=0), scores.quantile(0.99, dim=0)
    scaled = ((scores - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    shown = torch.full((*feature.shape[1:], 3), 0.5, dtype=scaled.dtype)
    shown[..., :count] = scaled.reshape(*feature.shape[1:], count)
    explained = torch.zeros(3, dtype=values.dtype)
    explained[:count] = values[-count:].flip(0) / values.sum().clamp(min=1e-12)
    frames = shown_frames(model, view.shape[1], feature.shape[1])
    return Components(shown.float().numpy(), explained.numpy(), chosen.name, frames)


def component_colors(scores: np.ndarray) -> np.ndarray:
    """Colors of scores (..., 3) in 0 to 1: uint8 RGB of the same shape.

    The first is lightness, the second goes from blue to yellow, the third from green to magenta:
    the first can be seen in grey, too, and the second by people who confuse red and green.
    """
    L = 25 + 65 * scores[..., 0]
    b = 110 * (scores[..., 1] - 0.5)
    a = 80 * (scores[..., 2] - 0.5)
    y = (L + 16) / 116
    xyz = np.stack([_cube(y + a / 500), _cube(y), _cube(y - b / 200)], -1)
    xyz = xyz * np.array([0.9505, 1.0, 1.089])
    linear = xyz @ np.array(
        [[3.2406, -0.9689, 0.0557], [-1.5372, 1.8758, -0.2040], [-0.4986, 0.0415, 1.0570]]
    )
    linear = linear.clip(0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (255 * rgb.clip(0, 1)).round().astype(np.uint8)


def _cube(value: np.ndarray) -> np.ndarray:
    return np.where(value > 6 / 29, value**3, 3 * (6 / 29) ** 2 * (value - 4 / 29))
