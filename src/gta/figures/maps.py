"""What a model attends to: the maps that its blocks compute in one pass over one clip.

A map is `block.attention(x)`, which `forward` itself calls, for the input x of the block in that
pass; `gta.figures.regions` does the same with `block.regions(x)`. All maps are float32 arrays on
the grid of the feature.

Axes: T frames of the feature, H, W its positions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from gta.backbones import SlowFast, TrunkNetwork
from gta.backbones.slow_fast import slow_indices
from gta.blocks import (
    CGNL,
    TAPE,
    AlongSpace,
    AlongTime,
    GlobalContext,
    GlobalTemporalAttention,
    GloRe,
    NonLocal,
)
from gta.config import Clip
from gta.data.transforms.clip import normalize
from gta.devices import full_precision
from gta.errors import UsageError

Kind = Literal["joint", "spatial", "temporal", "global", "other"]
"""Attention of a block: over T*H*W, over H*W, over T; GTA's matrices; or none of these."""

_BLOCKS = (AlongSpace, AlongTime, NonLocal, TAPE, GlobalTemporalAttention, GlobalContext)


@dataclass(frozen=True, slots=True)
class Query:
    """A position whose attention is shown."""

    x: float
    """Pixels of the clip from its left edge."""
    y: float
    """Pixels from its top edge."""
    frame: int
    """Frame of the clip, from 0."""


@dataclass(frozen=True)
class Layer:
    """One block of a network, and its input in one pass."""

    name: str
    """Its path in the network."""
    block: nn.Module
    x: Tensor
    """(1, C, T, H, W)."""
    frames: tuple[int, ...]
    """For each of the T frames, the frame of the clip that it shows."""
    clip_size: tuple[int, int]
    """Height and width of the clip in pixels."""

    @property
    def kind(self) -> Kind:
        return kind_of(self.block)

    @property
    def grid(self) -> tuple[int, int, int]:
        """T, H, W."""
        T, H, W = self.x.shape[2:]
        return T, H, W

    @cached_property
    def attention(self) -> Tensor:
        """`block.attention(x)` of the clip, in the block's own layout."""
        with torch.no_grad():
            return self.block.attention(self.x)[0].float()  # pyright: ignore

    def cell(self, query: Query) -> tuple[int, int, int]:
        """The frame and the position of the feature that the query falls on: (t, i, j)."""
        _, H, W = self.grid
        height, width = self.clip_size
        t = int(np.argmin([abs(frame - query.frame) for frame in self.frames]))
        i, j = int(query.y * H / height), int(query.x * W / width)
        return t, min(max(i, 0), H - 1), min(max(j, 0), W - 1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A clip, a model's answer, and its blocks with their inputs."""

    frames: np.ndarray
    """uint8 (T, height, width, 3), the clip as the model was given it."""
    probabilities: np.ndarray
    """float32 (num_classes,), of this clip."""
    layers: list[Layer]
    """In the order in which they run."""

    def of_kind(self, *kinds: Kind) -> list[Layer]:
        """The layers of these kinds."""
        return [layer for layer in self.layers if layer.kind in kinds]


def look(model: nn.Module, view: Tensor, clip: Clip) -> Seen:
    """One pass of a model over one clip, in full precision on the model's device.

    Args:
        model: Maps clips (B, 3, T, H, W) to logits; in evaluation mode.
        view: The clip, uint8 (3, T, H, W).
        clip: How pixels are normalized.
    """
    x = normalized(model, view, clip)
    layers: list[Layer] = []
    with torch.no_grad(), full_precision(), _noting(model, layers, view.shape[1:]):
        logits = model(x)
    return Seen(
        view.permute(1, 2, 3, 0).cpu().numpy(),
        logits.float().softmax(-1)[0].cpu().numpy(),
        layers,
    )


def normalized(model: nn.Module, view: Tensor, clip: Clip) -> Tensor:
    """A view (3, T, H, W) as the model's input (1, 3, T, H, W), on its device."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return normalize(view[None].to(device), clip.mean, clip.std)


@contextmanager
def _noting(model: nn.Module, layers: list[Layer], clip_shape: torch.Size) -> Iterator[None]:
    T, height, width = clip_shape

    def note(name: str, block: nn.Module, args: tuple[Tensor, ...]) -> None:
        x = args[0].detach()
        frames = shown_frames(model, T, x.shape[2])
        layers.append(Layer(name, block, x, frames, (height, width)))

    handles = [
        block.register_forward_pre_hook(partial(note, name))
        for name, block in blocks_of(model).items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def blocks_of(model: nn.Module) -> dict[str, nn.Module]:
    """The outermost blocks of a network by their paths."""
    blocks: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{other}.") for other in blocks)
        if isinstance(module, (*_BLOCKS, GloRe, CGNL)) and not inside:
            blocks[name] = module
    return blocks


def kind_of(block: nn.Module) -> Kind:
    """The kind of attention that a block computes."""
    if isinstance(block, AlongSpace | AlongTime):
        if not hasattr(block.block, "attention"):
            return "other"
        return "spatial" if isinstance(block, AlongSpace) else "temporal"
    if isinstance(block, TAPE):
        return "temporal"
    if isinstance(block, NonLocal | GlobalContext):
        return "joint"
    return "global" if isinstance(block, GlobalTemporalAttention) else "other"


def shown_frames(model: nn.Module, clip_frames: int, feature_frames: int) -> tuple[int, ...]:
    """The frame of the clip that each frame of a feature shows, the middle one of several."""
    if feature_frames == clip_frames:
        return tuple(range(clip_frames))
    if isinstance(model, SlowFast) and feature_frames == clip_frames // model.alpha:
        return tuple(slow_indices(clip_frames, model.alpha))
    step = clip_frames / feature_frames
    return tuple(int((t + 0.5) * step) for t in range(feature_frames))


def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """Logits with gradients up to the clip x, also through a frozen trunk."""
    if isinstance(model, TrunkNetwork):
        return model.inserted["head"](model.features(x))
    return model(x)


def active_query(layer: Layer) -> Query:
    """The most active position: where the feature is farthest from its mean over the clip."""
    x = layer.x[0].float()
    T, H, W = layer.grid
    distance = (x - x.mean(dim=(1, 2, 3), keepdim=True)).square().sum(0)  # (T, H, W)
    t, i, j = np.unravel_index(int(distance.argmax()), (T, H, W))
    height, width = layer.clip_size
    x, y = (int(j) + 0.5) * width / W, (int(i) + 0.5) * height / H
    return Query(x, y, layer.frames[int(t)])


def joint_attention(layer: Layer, query: Query) -> np.ndarray:
    """Weights of all positions of the clip for a query: (T, H, W), in sum 1 with softmax.

    The weight of a key pooled from several positions is divided among them; positions that the
    pooling leaves out have the weight 0.
    """
    _require(layer, "joint")
    weights = layer.attention
    if weights.ndim == 2:  # the global context block has one query for all
        weights = weights[_number(layer, query)]
    return _numpy(_spread(weights, layer.grid[0], layer))


def spatial_attention(layer: Layer, query: Query) -> np.ndarray:
    """Weights for the query's position, within each frame: (T, H, W)."""
    _require(layer, "spatial")
    _, i, j = layer.cell(query)
    weights = layer.attention  # (T, H*W, keys), or (T, keys)
    if weights.ndim == 3:
        weights = weights[:, i * layer.grid[2] + j]
    return _numpy(_spread(weights, layer.grid[0], layer))


def temporal_attention(layer: Layer, query: Query) -> np.ndarray:
    """Weights between frames at the query's position: (T, T), a row is the frame that attends."""
    _require(layer, "temporal")
    _, i, j = layer.cell(query)
    weights = layer.attention[i * layer.grid[2] + j]  # (T, T), (T,) or (K, T, G, T)
    if weights.ndim == 4:
        weights = weights.mean(dim=(0, 2))
    if weights.ndim == 1:
        weights = weights.expand(len(weights), -1)
    return _numpy(weights)


def attention_over_frames(layer: Layer, query: Query) -> np.ndarray:
    """Weights of the frames for the query: (T,)."""
    if layer.kind == "joint":
        return joint_attention(layer, query).sum((1, 2))
    return temporal_attention(layer, query)[layer.cell(query)[0]]


def _number(layer: Layer, query: Query) -> int:
    _, H, W = layer.grid
    t, i, j = layer.cell(query)
    return (t * H + i) * W + j


def _spread(weights: Tensor, frames: int, layer: Layer) -> Tensor:
    """Weights of keys, pooled or not, as weights of positions: (T, H, W)."""
    _, H, W = layer.grid
    block = layer.block.block if isinstance(layer.block, AlongSpace) else layer.block
    pooled = getattr(block, "pool", None) is not None
    h, w = (min(2, H), min(2, W)) if pooled else (1, 1)
    keys = weights.reshape(frames, H // h, W // w) / (h * w)
    spread = keys.repeat_interleave(h, 1).repeat_interleave(w, 2)
    return nn.functional.pad(spread, (0, W - spread.shape[2], 0, H - spread.shape[1]))


def _require(layer: Layer, kind: Kind) -> None:
    if layer.kind != kind:
        raise UsageError(f"{layer.name} is a block of {layer.kind} attention, not of {kind}")


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
