"""The clips that open pages show: a few, in memory, with names that cannot be guessed."""

import base64
import io
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor, nn

from gta.config import Clip
from gta.errors import UsageError
from gta.figures.grad_cam import Evidence, grad_cam
from gta.figures.maps import (
    Layer,
    Query,
    Seen,
    active_query,
    joint_attention,
    look,
    spatial_attention,
    temporal_attention,
)
from gta.figures.regions import has_regions, region_shares, shown_regions
from gta.report.previews import FAINT

MOST_CLIPS = 8


@dataclass
class Loaded:
    """A clip and a model's answer and maps for it."""

    model: nn.Module
    view: Tensor
    """uint8 (C, T, H, W)."""
    clip: Clip
    """How the model's input is made from it."""
    seen: Seen
    label: int
    """The predicted class of the video."""
    pictures: dict[int, bytes] = field(default_factory=dict)

    @cached_property
    def evidence(self) -> Evidence:
        """The evidence for that class, computed once."""
        return grad_cam(self.model, self.view, self.clip, self.label)

    def picture(self, frame: int) -> bytes:
        """A frame as WebP."""
        if frame not in self.pictures:
            file = io.BytesIO()
            Image.fromarray(self.seen.frames[frame]).save(file, "WEBP", quality=85)
            self.pictures[frame] = file.getvalue()
        return self.pictures[frame]

    def kinds(self) -> list[dict[str, Any]]:
        """The available maps: {"kind", "layer", "name", "frames", "query"}; finest first."""
        maps: list[dict[str, Any]] = []
        for place, layer in enumerate(self.seen.layers):
            about = {"layer": place, "name": layer.name, "frames": list(layer.frames)}
            if layer.kind in ("joint", "spatial", "temporal"):
                query = active_query(layer)
                asked = {"x": query.x, "y": query.y, "frame": query.frame}
                maps.append({"kind": layer.kind, **about, "grid": layer.grid, "query": asked})
            if has_regions(layer):
                maps.append({"kind": "regions", **about, "grid": layer.grid, "query": None})
        maps.append({"kind": "evidence", "layer": -1, "name": "Grad-CAM", "query": None})
        return maps


class Clips:
    """The newest clips; the oldest is dropped for a new one. Thread-safe."""

    def __init__(self, most: int = MOST_CLIPS):
        self.most, self._lock = most, Lock()
        self._clips: OrderedDict[str, Loaded] = OrderedDict()

    def add(self, clip: Loaded) -> str:
        """Keeps a clip and returns its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._clips[name] = clip
            while len(self._clips) > self.most:
                self._clips.popitem(last=False)
        return name

    def get(self, name: str) -> Loaded | None:
        """The clip, unless it was dropped."""
        with self._lock:
            if name in self._clips:
                self._clips.move_to_end(name)
            return self._clips.get(name)


def load(model: nn.Module, view: Tensor, clip: Clip, label: int) -> Loaded:
    """Runs the model on a clip (C, T, H, W), and keeps the inputs of its blocks."""
    return Loaded(model, view, clip, look(model, view, clip), label)


def map_of(loaded: Loaded, kind: str, layer: int, query: Query) -> dict[str, Any]:
    """A map for the page.

    Returns:
        {"shape", "data", "most", "frames"}: weights over `most`, 0 to 255, base64, of shape
        (T, H, W), (T, T) for temporal attention, or (R, T, H, W) for regions
        (`ShownRegions.above`); and the frame of the
        clip of each T. "cell" is where the query fell, "over_frames" what it takes from each.

    Raises:
        UsageError: There is no such map.
    """
    if kind == "evidence":
        return _packed(loaded.evidence.map, loaded.evidence.frames)
    layers = loaded.seen.layers
    if not 0 <= layer < len(layers):
        raise UsageError(f"there is no layer {layer}; there are {len(layers)}")
    chosen = layers[layer]
    if kind == "regions":
        return _packed(shown_regions(region_shares(chosen)).above, chosen.frames)
    return {**_attention(chosen, kind, query), "cell": list(chosen.cell(query))}


def _attention(layer: Layer, kind: str, query: Query) -> dict[str, Any]:
    t = layer.cell(query)[0]
    if kind == "temporal":
        weights = temporal_attention(layer, query)
        return _packed(weights, layer.frames) | {"over_frames": weights[t].tolist()}
    if kind == "joint":
        weights = joint_attention(layer, query)
        over = {"over_frames": weights.sum((1, 2)).tolist()}
        return _packed(weights, layer.frames, FAINT / weights.size) | over
    if kind == "spatial":
        weights = spatial_attention(layer, query)
        return _packed(weights, layer.frames, FAINT * len(weights) / weights.size)
    raise UsageError(f"there is no map {kind!r}; there are joint, spatial, temporal, regions")


def _packed(weights: np.ndarray, frames: tuple[int, ...], least: float = 0.0) -> dict[str, Any]:
    """Weights divided by their greatest, or at least `least`, so that even weights look faint."""
    weights = np.nan_to_num(np.maximum(weights, 0))
    most = max(float(weights.max()), least) or 1.0
    data = np.round(255 * weights / most).astype(np.uint8).tobytes()
    packed = base64.b64encode(data).decode()
    return {"shape": weights.shape, "data": packed, "most": most, "frames": list(frames)}
