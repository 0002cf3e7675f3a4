"""Features as tokens: one row of C channels for each frame and position, without a copy.

Networks in channels-last memory keep a feature (B, C, T, H, W) as rows of C channels. A block that
takes them as the (B*T*H*W, C) matrix that they are needs matrix products alone: no convolution, no
change of layout. This is the way that blocks go on a GPU; their plain way, which is the equations
as they stand, is the reference that the tests compare it with.

Axes: M rows (tokens), C channels, D width of a branch, P branches.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import max_pool2d

from gta.blocks.wide_sum import add_products, column_sums, without_autocast

_forced: bool | None = None


@contextmanager
def token_path(on: bool) -> Iterator[None]:
    """Makes blocks go the token way, or the plain one, wherever they are."""
    global _forced
    before, _forced = _forced, on
    try:
        yield
    finally:
        _forced = before


def takes_tokens(x: Tensor, norms: Sequence[nn.Module]) -> bool:
    """Whether a block goes the token way: on a GPU, with batch normalisation of each process.

    Not while a network is exported, and not where autocast changes the type of x.
    """
    if not (x.is_cuda if _forced is None else _forced):
        return False
    kind = x.device.type
    if torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) != x.dtype:
        return False
    # torch 2.11 says "exporting" of everything that it compiles
    if torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling():
        return False
    return all(
        type(norm) is nn.BatchNorm3d and norm.track_running_stats and norm.affine for norm in norms
    )


def to_tokens(x: Tensor) -> Tensor:
    """(B, C, T, H, W) to (M, C); a view of channels-last memory."""
    return x.permute(0, 2, 3, 4, 1).reshape(-1, x.shape[1])


def from_tokens(tokens: Tensor, like: Tensor) -> Tensor:
    """(M, D) to (B, D, T, H, W) of the frames and positions of `like`; a view."""
    B, _, T, H, W = like.shape
    return tokens.unflatten(0, (B, T, H, W)).permute(0, 4, 1, 2, 3)


def pool_tokens(tokens: Tensor, like: Tensor) -> Tensor:
    """Max-pool 1x2x2 of tokens (M, D) of the frames of `like`; an axis of length 1 is left."""
    H, W = like.shape[3:]
    frames = tokens.unflatten(0, (-1, H, W)).permute(0, 3, 1, 2)
    pooled = max_pool2d(frames, (min(2, H), min(2, W)))
    return pooled.permute(0, 2, 3, 1).flatten(0, 2)


def project(x: Tensor, *convolutions: nn.Conv3d) -> tuple[Tensor, Tensor]:
    """Several 1x1x1 convolutions of the same tokens as one matrix product.

    Args:
        x: Tokens (M, C).
        convolutions: From C channels to D1, D2, ...

    Returns:
        x itself, which is what the rest of the block should add to (so that both gradients of x
        meet here); and (M, D1 + D2 + ...).
    """
    return _Project.apply(x, *joined(*convolutions))


def joined(*convolutions: nn.Conv3d) -> tuple[Tensor, Tensor]:
    """Weight (D1 + D2 + ..., C) and bias of several 1x1x1 convolutions as one."""
    weight = torch.cat([c.weight.flatten(1) for c in convolutions])
    return weight, torch.cat([bias_of(c) for c in convolutions])


def bias_of(convolution: nn.Conv3d) -> Tensor:
    """The bias of a convolution, zeros where it has none."""
    if convolution.bias is None:
        return convolution.weight.new_zeros(convolution.out_channels)
    return convolution.bias


class _Project(torch.autograd.Function):
    """X and x W^T + b, of x (M, C), W (D, C), b (D)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor):
        ctx.dtype = weight.dtype
        weight = weight.to(x.dtype)
        ctx.save_for_backward(x, weight)
        return x.view_as(x), torch.addmm(bias.to(x.dtype), x, weight.t())

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, kept: Tensor, projected: Tensor):  # pyright: ignore
        x, weight = ctx.saved_tensors
        projected = projected.contiguous()
        of_x = add_products(kept[None], tokens=(projected, weight))[0]
        return of_x, (projected.t() @ x).to(ctx.dtype), column_sums(projected, ctx.dtype)
