"""Attention along time at each position, on rows: what TA and TAPE share.

Axes: B batch, T frames (S for those attended to), H, W, D width, G groups (and K heads), d = D/G.
"""

from typing import Any

import torch
from torch import Tensor

from gta.blocks.fused.gradients import by_hand, gradients
from gta.blocks.fused.kernel_op import kernel_op
from gta.blocks.fused.parts import fuses


def attend_frames(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    position: Tensor | None = None,
    groups: int = 1,
    scale: float,
) -> Tensor:
    """At each position, frames attend to frames: head k to each group g, summed over the groups.

    Args:
        query: (B, T, H, W, D), as are keys and values.
        key: Of the same frames.
        value: Of the same frames.
        position: (T, D), added to queries and keys.
        groups: G.
        scale: Of the dot products.

    Returns:
        (B, T, H, W, D).
    """
    if has_kernel(query, groups) and fuses(query):
        return _AttendFrames.apply(query, key, value, position, groups, scale)
    return plain_attend(query, key, value, position, groups, scale)


def has_kernel(query: Tensor, groups: int) -> bool:
    """On a GPU, in half precision, for up to 64 frames and groups of 16, 32, 64 ... channels."""
    width = query.shape[-1] // groups
    half = query.dtype in (torch.bfloat16, torch.float16)
    return query.is_cuda and half and query.shape[1] <= 64 and 16 <= width == width & -width <= 256


def frame_weights(
    query: Tensor, key: Tensor, position: Tensor | None, groups: int, scale: float
) -> Tensor:
    """Weights of head k, frame t on group g, frame s at each position: (B, H, W, K, T, G, S)."""
    if position is not None:
        added = position[:, None, None].to(query.dtype)
        query, key = query + added, key + added
    query, key = query.unflatten(-1, (groups, -1)), key.unflatten(-1, (groups, -1))
    scores = torch.einsum("bthwkd,bshwgd->bhwktgs", query * scale, key)  # Eq. 2
    return scores.softmax(dim=-1, dtype=scores.dtype)


def weighted_frames(weights: Tensor, value: Tensor) -> Tensor:
    """Values (B, S, H, W, G*d) weighted, and summed over groups and frames: (B, T, H, W, K*d)."""
    value = value.unflatten(-1, (weights.shape[5], -1))
    return torch.einsum("bhwktgs,bshwgd->bthwkd", weights, value).flatten(-2)  # Eq. 3, 7, 8


def plain_attend(
    query: Tensor, key: Tensor, value: Tensor, position: Tensor | None, groups: int, scale: float
) -> Tensor:
    """The same by torch's products."""
    return weighted_frames(frame_weights(query, key, position, groups, scale), value)


def _twin(ctx: Any, upstream: Tensor):
    query, key, value, position = inputs = ctx.saved_tensors
    attended = plain_attend(query, key, value, position, ctx.groups, ctx.scale)
    return *gradients(inputs, (attended,), (upstream,)), None, None


class _AttendFrames(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query, key, value, position, groups, scale):
        ctx.save_for_backward(query, key, value, position)
        ctx.groups, ctx.scale = groups, scale
        return _forward(query, key, value, position, groups, scale)

    @staticmethod
    @by_hand(_twin)
    def backward(ctx: Any, upstream: Tensor):  # pyright: ignore
        query, key, value, position = ctx.saved_tensors
        of_all = _backward(
            query, key, value, position, upstream.contiguous(), ctx.groups, ctx.scale
        )
        of_query, of_key, of_value = of_all.chunk(3, dim=-1)
        of_position = None
        if ctx.needs_input_grad[3]:
            both = (of_query + of_key).sum((0, 2, 3), dtype=torch.float32)
            of_position = both.to(position.dtype)
        return of_query, of_key, of_value, of_position, None, None


def _like_value(query: Tensor, key: Tensor, value: Tensor, *_: object) -> Tensor:
    return value.new_empty(value.shape)


@kernel_op("gta::attend_frames", fake=_like_value)
def _forward(
    query: Tensor, key: Tensor, value: Tensor, position: Tensor | None, groups: int, scale: float
) -> Tensor:
    try:
        from gta.blocks.fused.frames_kernel import launch
    except ImportError:  # Triton is missing
        return plain_attend(query, key, value, position, groups, scale)
    return launch(query, key, value, position, groups, scale)


@kernel_op(
    "gta::attend_frames_backward",
    fake=lambda query, *_: query.new_empty(*query.shape[:-1], 3 * query.shape[-1]),
)
def _backward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    position: Tensor | None,
    upstream: Tensor,
    groups: int,
    scale: float,
) -> Tensor:
    try:
        from gta.blocks.fused.frames_kernel import launch_backward
    except ImportError:
        with torch.enable_grad():
            q, k, v = inputs = [x.detach().requires_grad_() for x in (query, key, value)]
            attended = plain_attend(q, k, v, position, groups, scale)
        return torch.cat(torch.autograd.grad(attended, inputs, upstream), dim=-1)
    return launch_backward(query, key, value, position, upstream, groups, scale)
