"""Small moving pictures of clips: their frames in a row, as one WebP, which the page plays."""

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from gta.config import Clip
from gta.data.dataset import ViewClips
from gta.data.records import Video
from gta.errors import UsageError, VideoError
from gta.figures.grad_cam import grad_cam
from gta.figures.maps import (
    Kind,
    Layer,
    Query,
    active_query,
    joint_attention,
    look,
    spatial_attention,
)
from gta.figures.palette import lit, overlay, region_overlay
from gta.figures.regions import has_regions, region_shares, shown_regions
from gta.report.chosen import Chosen

SIDE = 112
"""Height and width of a preview in pixels."""
_MOST_FRAMES = 16
_QUALITY = 55
WITH_MAPS = 12
"""Number of previews with maps."""
FAINT = 4
"""A weight covers a frame if it is so many times the uniform weight."""
BUDGET = 9 * 2**20
"""Most characters of all previews together."""


def previews(
    chosen: Sequence[Chosen],
    videos: dict[str, Video],
    ids: Sequence[str],
    views: ViewClips,
    model: nn.Module | None,
    clip: Clip,
    *,
    shown: int = 0,
    budget: int = BUDGET,
) -> Iterator[dict[str, Any]]:
    """The previews of videos: the frames of a view, as the model sees them.

    A video that cannot be read has none.

    Args:
        chosen: The videos; the first of each kind get maps.
        videos: Videos by id.
        ids: The ids in the score file.
        views: The views of the protocol.
        model: Computes maps; None: no maps.
        clip: How pixels are normalized.
        shown: Number of the view.
        budget: Most characters of all previews.
    """
    spent, mapped = 0, _mapped(chosen)
    for choice in chosen:
        video = videos.get(ids[choice.index])
        if video is None or spent > budget:
            continue
        try:
            view = views.read(video)[shown]  # (C, T, H, W)
        except VideoError:
            continue
        entry = {
            "video": choice.index,
            "why": choice.why,
            **_strip(lit(view.permute(1, 2, 3, 0).numpy())[0]),
        }
        if model is not None and choice.index in mapped:
            entry["maps"] = list(_maps(model, view, clip))
        spent += len(entry["strip"]) + sum(len(each["strip"]) for each in entry.get("maps", ()))
        yield entry


def _mapped(chosen: Sequence[Chosen]) -> set[int]:
    """The first of the hardest and of the easiest, equally many."""
    half = WITH_MAPS // 2
    kinds = ("hardest", "easiest")
    return {
        choice.index
        for kind in kinds
        for choice in [each for each in chosen if kind in each.why][:half]
    }


def _maps(model: nn.Module, view: torch.Tensor, clip: Clip) -> Iterator[dict[str, Any]]:
    """Attention, regions and evidence on the frames of a clip."""
    seen = look(model, view, clip)
    drawn = lit(seen.frames)[0]
    kinds: dict[Kind, Callable[[Layer, Query], np.ndarray]] = {
        "joint": joint_attention,
        "spatial": spatial_attention,
    }
    for kind, attention in kinds.items():
        for layer in seen.of_kind(kind)[-1:]:
            query = active_query(layer)
            maps = attention(layer, query)
            alike = (
                len(maps) ** (kind == "spatial") / maps.size
            )  # the weight if all positions were equal
            frames = drawn[list(layer.frames)]
            where = f"from x={query.x:.0f}, y={query.y:.0f}" + (
                f", frame {query.frame}" * (kind == "joint")
            )
            yield {"name": f"{kind} attention {where}", "layer": layer.name} | _strip(
                overlay(frames, maps, most=max(float(maps.max()), FAINT * alike))
            )
    for layer in [each for each in seen.layers if has_regions(each)][-1:]:
        frames = drawn[list(layer.frames)]
        painted = region_overlay(frames, shown_regions(region_shares(layer)).above)
        yield {"name": "regions", "layer": layer.name} | _strip(painted)
    label = int(seen.probabilities.argmax())
    try:
        evidence = grad_cam(model, view, clip, label)
    except UsageError:
        return
    frames = drawn[list(evidence.frames)]
    yield {"name": "evidence for its answer (Grad-CAM)", "layer": evidence.layer} | _strip(
        overlay(frames, evidence.map)
    )


def _strip(frames: np.ndarray) -> dict[str, Any]:
    """Frames (T, H, W, 3) in a row: {"strip": data URI, "frames": their number}."""
    count = min(len(frames), _MOST_FRAMES)
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
    small = [_small(frames[place]) for place in chosen]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(small, 1)).save(file, "WEBP", quality=_QUALITY, method=4)
    data = base64.b64encode(file.getvalue()).decode()
    return {"strip": f"data:image/webp;base64,{data}", "frames": count}


def _small(frame: np.ndarray) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(frame))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
