"""Attention along time at each position, where queries, keys and values lie, in Triton.

A tile holds the frames of as many positions as fill its rows; scores between rows of different
positions are masked. See `frame_attention`.
"""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 64


@triton.jit
def _rows(T, N, R: tl.constexpr):
    """Frame and position of each row of a tile, whether it exists, and which rows attend."""
    r = tl.arange(0, R)
    here, t = r // T, r % T
    n = tl.program_id(0) * (R // T) + here
    exists = (here < R // T) & (n < N)
    # a row that does not exist attends to itself, so that its softmax is finite
    together = (here[:, None] == here[None, :]) & (exists[:, None] == exists[None, :])
    return t, n, exists, together


@triton.jit
def _load(x, at, position, t, exists, WITH_POSITION: tl.constexpr, D, start, d: tl.constexpr):
    """(rows, d) channels from `start` on, plus the embedding of the frame."""
    c = start + tl.arange(0, d)
    found = tl.load(x + at[:, None] + c[None, :], mask=exists[:, None], other=0.0)
    if WITH_POSITION:
        added = tl.load(position + t[:, None] * D + (c % D)[None, :])
        found = (found.to(tl.float32) + added.to(tl.float32)).to(found.dtype)
    return found


@triton.jit
def _softmax(query, key, together, scale):
    scores = tl.where(together, tl.dot(query, tl.trans(key)) * scale, float("-inf"))
    weights = tl.exp(scores - tl.max(scores, 1)[:, None])
    return weights / tl.sum(weights, 1)[:, None]


@triton.jit
def _forward(
    wide, position, out, T, N, D, scale,
    WITH_POSITION: tl.constexpr, G: tl.constexpr, d: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    t, n, exists, together = _rows(T, N, R)
    row = (tl.program_id(1).to(tl.int64) * T + t) * N + n
    at = row * (3 * D)
    for head in range(G):
        query = _load(wide, at, position, t, exists, WITH_POSITION, D, head * d, d)
        total = tl.zeros((R, d), dtype=tl.float32)
        for group in range(G):
            key = _load(wide, at, position, t, exists, WITH_POSITION, D, D + group * d, d)
            value = _load(wide, at, position, t, exists, False, D, 2 * D + group * d, d)
            weights = _softmax(query, key, together, scale)
            total = tl.dot(weights.to(value.dtype), value, total)
        c = head * d + tl.arange(0, d)
        tl.store(
            out + row[:, None] * D + c[None, :],
            total.to(out.dtype.element_ty), mask=exists[:, None],
        )  # fmt: skip


@triton.jit
def _of_scores(query, key, value, upstream, together, scale):
    """Weights and the gradient of the scaled scores."""
    weights = _softmax(query, key, together, scale)
    of_weights = tl.dot(upstream, tl.trans(value))
    inner = tl.sum(weights * of_weights, 1)
    return weights, weights * (of_weights - inner[:, None]) * scale


@triton.jit
def _backward(
    wide, position, upstream, out, T, N, D, scale,
    WITH_POSITION: tl.constexpr, G: tl.constexpr, d: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    t, n, exists, together = _rows(T, N, R)
    row = (tl.program_id(1).to(tl.int64) * T + t) * N + n
    at, up = row * (3 * D), row * D
    channel = tl.arange(0, d)
    for head in range(G):
        query = _load(wide, at, position, t, exists, WITH_POSITION, D, head * d, d)
        above = _load(upstream, up, position, t, exists, False, D, head * d, d)
        of_query = tl.zeros((R, d), dtype=tl.float32)
        for group in range(G):
            key = _load(wide, at, position, t, exists, WITH_POSITION, D, D + group * d, d)
            value = _load(wide, at, position, t, exists, False, D, 2 * D + group * d, d)
            _, of_scores = _of_scores(query, key, value, above, together, scale)
            of_query = tl.dot(of_scores.to(key.dtype), key, of_query)
        where = out + at[:, None] + (head * d + channel)[None, :]
        tl.store(where, of_query.to(out.dtype.element_ty), mask=exists[:, None])
    for group in range(G):
        key = _load(wide, at, position, t, exists, WITH_POSITION, D, D + group * d, d)
        value = _load(wide, at, position, t, exists, False, D, 2 * D + group * d, d)
        of_key = tl.zeros((R, d), dtype=tl.float32)
        of_value = tl.zeros((R, d), dtype=tl.float32)
        for head in range(G):
            query = _load(wide, at, position, t, exists, WITH_POSITION, D, head * d, d)
            above = _load(upstream, up, position, t, exists, False, D, head * d, d)
            weights, of_scores = _of_scores(query, key, value, above, together, scale)
            of_key = tl.dot(tl.trans(of_scores).to(query.dtype), query, of_key)
            of_value = tl.dot(tl.trans(weights).to(above.dtype), above, of_value)
        where = out + at[:, None] + (D + group * d + channel)[None, :]
        tl.store(where, of_key.to(out.dtype.element_ty), mask=exists[:, None])
        tl.store(where + D, of_value.to(out.dtype.element_ty), mask=exists[:, None])


def launch(wide: Tensor, position: Tensor | None, groups: int, scale: float) -> Tensor:
    """Queries, keys, values side by side, (B, T, N, 3*D) and contiguous, to (B, T, N, D)."""
    B, T, N, width = wide.shape
    out = wide.new_empty(B, T, N, width // 3)
    _forward[_grid(B, T, N)](
        wide, position, out, T, N, width // 3, scale, **_options(position, groups, width // 3)
    )
    return out


def launch_backward(
    wide: Tensor, position: Tensor | None, upstream: Tensor, groups: int, scale: float
) -> Tensor:
    """The gradient of `wide`, from that of the output, (B, T, N, D) and contiguous."""
    B, T, N, width = wide.shape
    out = torch.empty_like(wide)
    _backward[_grid(B, T, N)](
        wide, position, upstream, out, T, N, width // 3, scale,
        **_options(position, groups, width // 3),
    )  # fmt: skip
    return out


def _grid(B: int, T: int, N: int) -> tuple[int, int]:
    return triton.cdiv(N, ROWS // T), B


def _options(position: Tensor | None, groups: int, width: int) -> dict[str, int]:
    d = width // groups
    return {"WITH_POSITION": position is not None, "G": groups, "d": d, "R": ROWS} | {
        "num_warps": 8 if d >= 128 else 4,
        "num_stages": 1,
    }
