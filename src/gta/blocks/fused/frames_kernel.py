"""Attention along time at each position, where queries, keys and values lie, in Triton.

A tile holds the frames of as many positions as fill its rows; scores between rows of different
positions are masked. See `attend_frames`.
"""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
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
    rows = tl.load(x + at[:, None] + c[None, :], mask=exists[:, None], other=0.0)
    if WITH_POSITION:
        added = tl.load(position + t[:, None] * D + (c % D)[None, :])
        rows = (rows.to(tl.float32) + added.to(tl.float32)).to(rows.dtype)
    return rows


@triton.jit
def _softmax(query, key, together, scale):
    scores = tl.where(together, tl.dot(query, tl.trans(key)) * scale, float("-inf"))
    weights = tl.exp(scores - tl.max(scores, 1)[:, None])
    return weights / tl.sum(weights, 1)[:, None]


@triton.jit
def _forward(
    query, key, value, position, out, T, N, D, q_row, k_row, v_row, scale,
    WITH_POSITION: tl.constexpr, G: tl.constexpr, d: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    t, n, exists, together = _rows(T, N, R)
    row = (tl.program_id(1).to(tl.int64) * T + t) * N + n
    for head in range(G):
        q = _load(query, row * q_row, position, t, exists, WITH_POSITION, D, head * d, d)
        total = tl.zeros((R, d), dtype=tl.float32)
        for group in range(G):
            k = _load(key, row * k_row, position, t, exists, WITH_POSITION, D, group * d, d)
            v = _load(value, row * v_row, position, t, exists, False, D, group * d, d)
            weights = _softmax(q, k, together, scale)
            total = tl.dot(weights.to(v.dtype), v, total)
        where = out + (row * D)[:, None] + (head * d + tl.arange(0, d))[None, :]
        tl.store(where, total.to(out.dtype.element_ty), mask=exists[:, None])


@triton.jit
def _of_scores(query, key, value, upstream, together, scale):
    """Weights and the gradient of the scaled scores."""
    weights = _softmax(query, key, together, scale)
    of_weights = tl.dot(upstream, tl.trans(value))
    inner = tl.sum(weights * of_weights, 1)
    return weights, weights * (of_weights - inner[:, None]) * scale


@triton.jit
def _backward(
    query, key, value, position, upstream, out, T, N, D, q_row, k_row, v_row, scale,
    WITH_POSITION: tl.constexpr, G: tl.constexpr, d: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    t, n, exists, together = _rows(T, N, R)
    row = (tl.program_id(1).to(tl.int64) * T + t) * N + n
    at = row * (3 * D)
    channel = tl.arange(0, d)
    for head in range(G):
        q = _load(query, row * q_row, position, t, exists, WITH_POSITION, D, head * d, d)
        above = _load(upstream, row * D, position, t, exists, False, D, head * d, d)
        of_query = tl.zeros((R, d), dtype=tl.float32)
        for group in range(G):
            k = _load(key, row * k_row, position, t, exists, WITH_POSITION, D, group * d, d)
            v = _load(value, row * v_row, position, t, exists, False, D, group * d, d)
            _, of_scores = _of_scores(q, k, v, above, together, scale)
            of_query = tl.dot(of_scores.to(k.dtype), k, of_query)
        where = out + at[:, None] + (head * d + channel)[None, :]
        tl.store(where, of_query.to(out.dtype.element_ty), mask=exists[:, None])
    for group in range(G):
        k = _load(key, row * k_row, position, t, exists, WITH_POSITION, D, group * d, d)
        v = _load(value, row * v_row, position, t, exists, False, D, group * d, d)
        of_key = tl.zeros((R, d), dtype=tl.float32)
        of_value = tl.zeros((R, d), dtype=tl.float32)
        for head in range(G):
            q = _load(query, row * q_row, position, t, exists, WITH_POSITION, D, head * d, d)
            above = _load(upstream, row * D, position, t, exists, False, D, head * d, d)
            weights, of_scores = _of_scores(q, k, v, above, together, scale)
            of_key = tl.dot(tl.trans(of_scores).to(q.dtype), q, of_key)
            of_value = tl.dot(tl.trans(weights).to(above.dtype), above, of_value)
        where = out + at[:, None] + (D + group * d + channel)[None, :]
        tl.store(where, of_key.to(out.dtype.element_ty), mask=exists[:, None])
        tl.store(where + D, of_value.to(out.dtype.element_ty), mask=exists[:, None])


def launch(
    query: Tensor, key: Tensor, value: Tensor, position: Tensor | None, groups: int, scale: float
) -> Tensor:
    """Queries, keys, values (B, T, H, W, D) to what is attended, of the same shape."""
    out = value.new_empty(value.shape)
    _run(_forward, (query, key, value), position, (out,), groups, scale)
    return out


def launch_backward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    position: Tensor | None,
    upstream: Tensor,
    groups: int,
    scale: float,
) -> Tensor:
    """The three gradients side by side, (B, T, H, W, 3*D), from that of the output."""
    out = query.new_empty(*query.shape[:-1], 3 * query.shape[-1])
    _run(_backward, (query, key, value), position, (upstream.contiguous(), out), groups, scale)
    return out


def _run(kernel, inputs, position, more, groups: int, scale: float) -> None:
    B, T, H, W, D = inputs[0].shape
    rows = [x.flatten(0, 3) for x in inputs]  # views, also of a part of wider rows
    d = D // groups
    kernel[triton.cdiv(H * W, ROWS // T), B](
        *rows, position, *more, T, H * W, D, *(x.stride(0) for x in rows), scale,
        WITH_POSITION=position is not None, G=groups, d=d, R=ROWS,
        num_warps=8 if d >= 128 else 4, num_stages=1,
    )  # fmt: skip
