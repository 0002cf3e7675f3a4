"""Attention along time at each position, on tokens: what TA and TAPE share.

Axes: B batch, T frames, N positions, D width, G groups (and heads), d = D/G.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gta.blocks.kernel_op import kernel_op
from gta.blocks.wide_sum import without_autocast


def attend_frames(
    wide: Tensor, *, position: Tensor | None = None, groups: int = 1, scale: float
) -> Tensor:
    """At each position, frames attend to frames: head k to each group g, summed over the groups.

    Args:
        wide: Queries, keys and values side by side, (B, T, N, 3*D).
        position: (T, D), added to queries and keys.
        groups: G.
        scale: Of the dot products.

    Returns:
        (B, T, N, D).
    """
    return _AttendFrames.apply(wide, position, groups, scale)


class _AttendFrames(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, wide, position, groups, scale):
        ctx.save_for_backward(wide, position)
        ctx.groups, ctx.scale = groups, scale
        if _has_kernel(wide, groups):
            return _forward(wide.contiguous(), position, groups, scale)
        return plain_forward(wide, position, groups, scale)

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, upstream: Tensor):  # pyright: ignore
        wide, position = ctx.saved_tensors
        has_kernel = _has_kernel(wide, ctx.groups)
        run = _backward if has_kernel else plain_backward
        of_wide = run(wide.contiguous(), position, upstream.contiguous(), ctx.groups, ctx.scale)
        of_position = None
        if ctx.needs_input_grad[1]:
            D = position.shape[1]
            both = of_wide[..., : 2 * D].sum((0, 2), dtype=position.dtype)
            of_position = both[:, :D] + both[:, D:]
        return of_wide, of_position, None, None


def _has_kernel(wide: Tensor, groups: int) -> bool:
    """On a GPU, in half precision, for up to 64 frames and groups of 16, 32, 64 ... channels."""
    width = wide.shape[3] // 3 // groups
    half = wide.dtype in (torch.bfloat16, torch.float16)
    return wide.is_cuda and half and wide.shape[1] <= 64 and 16 <= width == width & -width <= 256


def _weights(wide: Tensor, position: Tensor | None, groups: int, scale: float):
    """Queries, keys, values (B, T, N, G, d) and the weights (B, N, K, T, G, S)."""
    query, key, value = wide.chunk(3, dim=3)
    if position is not None:
        added = position[:, None].to(wide.dtype)
        query, key = query + added, key + added
    query, key, value = (one.unflatten(3, (groups, -1)) for one in (query, key, value))
    scores = torch.einsum("btnkd,bsngd->bnktgs", query, key) * scale  # Eq. 2
    return query, key, value, scores.softmax(dim=-1)


def plain_forward(wide: Tensor, position: Tensor | None, groups: int, scale: float) -> Tensor:
    """Without gradients, by torch: what the kernel is compared with."""
    _, _, value, weights = _weights(wide, position, groups, scale)
    return torch.einsum("bnktgs,bsngd->btnkd", weights, value).flatten(3)  # Eq. 3, Eq. 7, Eq. 8


def plain_backward(
    wide: Tensor, position: Tensor | None, upstream: Tensor, groups: int, scale: float
) -> Tensor:
    """The gradient of `wide`, likewise."""
    query, key, value, weights = _weights(wide, position, groups, scale)
    upstream = upstream.unflatten(3, (groups, -1))
    of_weights = torch.einsum("btnkd,bsngd->bnktgs", upstream, value)
    inner = (weights * of_weights).sum(-1, keepdim=True)
    of_scores = weights * (of_weights - inner) * scale
    gradients = (
        torch.einsum("bnktgs,bsngd->btnkd", of_scores, key),
        torch.einsum("bnktgs,btnkd->bsngd", of_scores, query),
        torch.einsum("bnktgs,btnkd->bsngd", weights, upstream),
    )
    return torch.cat([one.flatten(3) for one in gradients], dim=3)


def _attended_like(wide: Tensor, *_: object) -> Tensor:
    return wide.new_empty(*wide.shape[:3], wide.shape[3] // 3)


@kernel_op("gta::attend_frames", fake=_attended_like)
def _forward(wide: Tensor, position: Tensor | None, groups: int, scale: float) -> Tensor:
    try:
        from gta.blocks.frames_kernel import launch
    except ImportError:  # Triton is missing
        return plain_forward(wide, position, groups, scale)
    return launch(wide, position, groups, scale)


@kernel_op("gta::attend_frames_backward", fake=lambda wide, *_: torch.empty_like(wide))
def _backward(
    wide: Tensor, position: Tensor | None, upstream: Tensor, groups: int, scale: float
) -> Tensor:
    try:
        from gta.blocks.frames_kernel import launch_backward
    except ImportError:
        return plain_backward(wide, position, upstream, groups, scale)
    return launch_backward(wide, position, upstream, groups, scale)
