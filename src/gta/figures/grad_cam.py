"""Grad-CAM (Selvaraju et al., ICCV 2017): where in a clip the evidence for a class is.

Axes: C channels, T frames of the feature, H, W.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gta.config import Clip
from gta.devices import full_precision
from gta.errors import UsageError, nearest
from gta.figures.feature_maps import FeatureMap, noting_feature_maps
from gta.figures.maps import blocks_of, logits_of, normalized, shown_frames

FINE = 16
"""Positions that a frame needs so that a map shows places."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence for a class, by position."""

    map: np.ndarray
    """float32 (T, H, W), not negative and nowhere only 0."""
    layer: str
    """The module whose output was used."""
    frames: tuple[int, ...]
    """For each of the T frames, the frame of the clip that it shows."""
    relative: bool
    """Whether no position supports the class, and the map is what speaks least against it."""


def grad_cam(
    model: nn.Module, view: Tensor, clip: Clip, label: int, *, layer: str | None = None
) -> Evidence:
    """The positions that raise a class above the others: (T, H, W).

    The target is the class's logit minus the mean of all classes'. Channels are weighted by its
    gradient, averaged over the positions of each frame: where order counts, the same thing speaks
    for a class in one frame and against it in another.

    The layer is the last before the first block whose feature maps have at least `FINE` positions
    and influence the target: after attention over positions or frames, the features of a position
    come from others. Without such a layer it is the last with so many positions, or the last of
    all.

    Args:
        model: In evaluation mode.
        view: The clip, uint8 (3, T, H, W).
        clip: How pixels are normalized.
        label: The class.
        layer: The path of another module.

    Raises:
        UsageError: There is no such module, or the class does not depend on any feature map.
    """
    x = normalized(model, view, clip).requires_grad_()  # a frozen network has no other gradients
    outputs: list[FeatureMap] = []
    with full_precision():
        with torch.enable_grad(), noting_feature_maps(model, outputs, view.shape[1:]):
            logits = logits_of(model, x)[0].float()
            target = logits[label] - (logits.mean() if len(logits) > 1 else 0)
        maps = outputs if layer is None else [_named(outputs, layer)]
        maps = [each for each in maps if each.output.requires_grad]
        gradients = torch.autograd.grad(
            target, [each.output for each in maps], allow_unused=True, retain_graph=False
        )
    depends = [
        (each, each.to_clips(gradient).float()[0])
        for each, gradient in zip(maps, gradients, strict=True)
        if gradient is not None and bool(each.to_clips(gradient).any())
    ]
    if not depends:
        where = "any feature map" if layer is None else layer
        raise UsageError(f"class {label} does not depend on {where}: Grad-CAM has nothing to show")
    fine = [pair for pair in depends if pair[1][0, 0].numel() >= FINE]
    local = before_blocks(model, outputs)
    chosen, gradient = ([pair for pair in fine if pair[0] in local] or fine or depends)[-1]
    feature = chosen.feature[0].float()
    weights = gradient.mean(dim=(2, 3))  # (C, T)
    values = torch.einsum("ct,cthw->thw", weights, feature.detach())
    evidence = values.clamp(min=0)
    relative = not bool(evidence.any())
    if relative:
        evidence = values - values.min()
    if not bool(evidence.any()):
        evidence = torch.ones_like(values)  # the same everywhere
    frames = shown_frames(model, view.shape[1], feature.shape[1])
    return Evidence(evidence.cpu().numpy(), chosen.name, frames, relative)


def before_blocks(model: nn.Module, maps: list[FeatureMap]) -> list[FeatureMap]:
    """The feature maps computed before the first block of the network."""
    blocks = blocks_of(model)
    kept = list[FeatureMap]()
    for each in maps:
        if any(each.name == block or each.name.startswith(f"{block}.") for block in blocks):
            break
        kept.append(each)
    return kept


def _named(maps: list[FeatureMap], layer: str) -> FeatureMap:
    names = [each.name for each in maps]
    if layer not in names:
        raise UsageError(
            f"{layer!r} is no module with feature maps.{nearest(layer, names)} There are "
            f"{', '.join(names[-8:])}{' and others' if len(names) > 8 else ''}"
        )
    return maps[len(names) - 1 - names[::-1].index(layer)]
