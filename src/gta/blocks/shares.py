"""Tokens as shares of a few: attention with fewer keys than channels, and regions.

Where each frame has only S keys, the query of a token is needed for nothing but its S scores:
q K^T = x (K W_Q)^T, so K W_Q (S, C) of each frame takes the place of W_Q, and no query is made.
Likewise regions are sums of the feature itself, p^T x, of which only S have to be projected. What
comes out is the share p (S) of every token; `normalise_shares` makes an output of it.

Each function returns the feature too, to which the block then adds: so all gradients of it meet
here and are summed in one pass.

Axes: F frames, N tokens of a frame, C channels, D width, S keys or regions.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from gta.blocks.wide_sum import add_products, column_sums, without_autocast

ALIGNED = 16
"""Keys and regions are padded to a multiple of this: tensor cores read rows that are aligned."""


def attention_shares(
    x: Tensor,
    query: tuple[Tensor, Tensor],
    pairs: tuple[Tensor, Tensor],
    *,
    scale: float,
    size: tuple[int, int],
    window: tuple[int, int],
) -> tuple[Tensor, Tensor, Tensor]:
    """softmax(scale q K^T) within each frame, keys and values max-pooled after their projection.

    Args:
        x: (F, H*W, C).
        query: W_Q (D, C) and its bias (D,).
        pairs: W_K and W_V as one (2*D, C), and their bias (2*D,).
        scale: Of the dot products.
        size: (H, W).
        window: Height and width of the pooling.

    Returns:
        x; the shares (F, N, S); the values (F, S, D). S is rounded up to a multiple of 16 by keys
        whose shares are zero.
    """
    return _AttentionShares.apply(x, *query, *pairs, scale, size, window)


class _AttentionShares(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x, wq, bq, wkv, bkv, scale, size, window):
        D = len(wq)
        both, corner = _pool(torch.addmm(bkv, x.flatten(0, 1), wkv.t()), size, window)
        short = -both.shape[1] % ALIGNED
        num_keys = both.shape[1]
        key, value = pad(both, (0, 0, 0, short)).split(D, dim=2)
        folded = (key @ wq) * scale  # K W_Q: (F, S, C)
        offset = pad((key @ bq * scale)[:, :num_keys], (0, short), value=float("-inf"))
        shares = (x @ folded.transpose(1, 2) + offset[:, None]).softmax(dim=2)
        ctx.save_for_backward(x, wq, bq, wkv, key, folded, shares, corner)
        ctx.scale, ctx.size, ctx.window = scale, size, window
        return x.view_as(x), shares, value.contiguous()

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_x, of_shares, of_value):  # pyright: ignore
        x, wq, bq, wkv, key, folded, shares, corner = ctx.saved_tensors
        of_scores = torch.ops.aten._softmax_backward_data(of_shares, shares, 2, shares.dtype)
        of_offset = of_scores.sum(1) * ctx.scale
        of_folded = (of_scores.transpose(1, 2) @ x) * ctx.scale
        of_key = of_folded @ wq.t() + of_offset[..., None] * bq
        of_wq = key.flatten(0, 1).t() @ of_folded.flatten(0, 1)
        of_bq = (of_offset[..., None] * key).sum((0, 1))
        num_keys = corner.shape[1]
        of_both = torch.cat([of_key[:, :num_keys], of_value[:, :num_keys]], dim=2)
        of_pairs = _unpool(of_both, corner, ctx.size, ctx.window)
        of_wkv, of_bkv = of_pairs.t() @ x.flatten(0, 1), of_both.sum((0, 1))
        total = add_products(of_x, tokens=(of_pairs, wkv), frames=(of_scores, folded))
        return total, of_wq, of_bq, of_wkv, of_bkv, None, None, None


def _pool(tokens: Tensor, size: tuple[int, int], window: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Max-pool tokens (F*H*W, E) of frames: (F, S, E), and which of the window it was (uint8)."""
    (H, W), (h, w) = size, window
    frames = tokens.unflatten(0, (-1, H, W))[:, : H - H % h, : W - W % w]
    windows = frames.unflatten(2, (-1, w)).unflatten(1, (-1, h)).transpose(2, 3)
    pooled, corner = windows.flatten(3, 4).max(dim=3)
    return pooled.flatten(1, 2), corner.to(torch.uint8).flatten(1, 2)


def _unpool(
    pooled: Tensor, corner: Tensor, size: tuple[int, int], window: tuple[int, int]
) -> Tensor:
    """Gradients (F, S, E) to the tokens that they came from: (F*H*W, E)."""
    (H, W), (h, w) = size, window
    rows, columns = H // h, W // w
    places = torch.arange(h * w, device=corner.device, dtype=torch.uint8)[:, None]
    chosen = corner.unflatten(1, (rows, columns))[:, :, :, None] == places
    windows = torch.where(chosen, pooled.unflatten(1, (rows, columns))[:, :, :, None], 0)
    frames = windows.unflatten(3, (h, w)).transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return pad(frames, (0, 0, 0, W % w, 0, H % h)).flatten(0, 2)


def region_shares(
    x: Tensor, weight: Tensor, bias: Tensor, *, num_regions: int, softmax: int | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Projections of every token, the last of which assign it to regions; the sums of regions.

    Args:
        x: (F, N, C).
        weight: (D + S, C): values, then logits of the S regions.
        bias: (D + S,).
        num_regions: S.
        softmax: Over which axis of the logits (F, N, S); None: none.

    Returns:
        x; the values (F*N, D); the shares (F, N, S); the sums of each region, (F, S, C).
    """
    return _RegionShares.apply(x, weight, bias, num_regions, softmax)


class _RegionShares(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x, weight, bias, num_regions, softmax):
        wide = torch.addmm(bias, x.flatten(0, 1), weight.t())
        value, logits = wide.split([len(weight) - num_regions, num_regions], dim=1)
        logits = logits.unflatten(0, x.shape[:2])
        shares = logits.contiguous() if softmax is None else logits.softmax(softmax)
        sums = shares.transpose(1, 2) @ x
        ctx.save_for_backward(x, weight, shares)
        ctx.softmax = softmax
        return x.view_as(x), value, shares, sums

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_x, of_value, of_shares, of_sums):  # pyright: ignore
        x, weight, shares = ctx.saved_tensors
        of_logits = of_shares + x @ of_sums.transpose(1, 2)
        if ctx.softmax is not None:
            of_logits = torch.ops.aten._softmax_backward_data(
                of_logits, shares, ctx.softmax, shares.dtype
            )
        of_wide = torch.cat([of_value, of_logits.flatten(0, 1)], dim=1)
        total = add_products(of_x, tokens=(of_wide, weight), frames=(shares, of_sums))
        of_bias = column_sums(of_wide, weight.dtype)
        return total, of_wide.t() @ x.flatten(0, 1), of_bias, None, None
