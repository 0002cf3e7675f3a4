"""Frames and channel groups of tokens mixed where they lie, in Triton. See `channel_groups`.

A tile of tokens is read as a matrix of one row for each (group, frame) and one column for each
(position, channel of the group), without a copy into that order.
"""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
import torch
import triton
import triton.language as tl
from torch import Tensor

COLUMNS = 128


@triton.jit
def _tile(
    x, b, rows, columns, num_rows, frames, N,
    x_batch, x_frame, x_token, D: tl.constexpr,
):  # fmt: skip
    """Where a tile's elements are, and which of them exist."""
    n = columns // D
    place = (rows // frames) * D  # of the group
    where = (rows % frames).to(tl.int64)[:, None] * x_frame + n.to(tl.int64)[None, :] * x_token
    where += place[:, None] + (columns % D)[None, :]
    inside = (rows < num_rows)[:, None] & (n < N)[None, :]
    return x + b * x_batch + where, inside


@triton.jit
def _mix(
    matrix, value, out, N, num_out, frames_out, num_in, frames_in,
    m_out, m_in, v_batch, v_frame, v_token, o_batch, o_frame, o_token,
    D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(2).to(tl.int64)
    r = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, num_in, BK):
        k = start + tl.arange(0, BK)
        left = tl.load(
            matrix + r[:, None] * m_out + k[None, :] * m_in,
            mask=(r < num_out)[:, None] & (k < num_in)[None, :], other=0.0,
        )  # fmt: skip
        where, inside = _tile(
            value, b, k, columns, num_in, frames_in, N, v_batch, v_frame, v_token, D
        )
        total = tl.dot(left, tl.load(where, mask=inside, other=0.0), total)
    where, inside = _tile(out, b, r, columns, num_out, frames_out, N, o_batch, o_frame, o_token, D)
    tl.store(where, total.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _correlate(
    left, right, out, N, num_left, frames_left, num_right, frames_right, num_tiles, tiles_of_one,
    l_batch, l_frame, l_token, r_batch, r_frame, r_token,
    D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """Every program sums its share of the tiles: out (programs, num_left, num_right)."""
    r = tl.program_id(1) * BM + tl.arange(0, BM)
    c = tl.program_id(2) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for tile in range(tl.program_id(0), num_tiles, tl.num_programs(0)):
        b = (tile // tiles_of_one).to(tl.int64)
        columns = (tile % tiles_of_one) * BK + tl.arange(0, BK)
        where, inside = _tile(
            left, b, r, columns, num_left, frames_left, N, l_batch, l_frame, l_token, D
        )
        a = tl.load(where, mask=inside, other=0.0)
        where, inside = _tile(
            right, b, c, columns, num_right, frames_right, N, r_batch, r_frame, r_token, D
        )
        total = tl.dot(a, tl.trans(tl.load(where, mask=inside, other=0.0)), total)
    at = (tl.program_id(0) * num_left + r[:, None]) * num_right + c[None, :]
    tl.store(out + at, total, mask=(r < num_left)[:, None] & (c < num_right)[None, :])


def launch_mix(matrix: Tensor, value: Tensor) -> Tensor:
    """(K, T, G, S) and (B, S, N, G*D), of which D is a power of two, to (B, T, N, K*D)."""
    K, T, G, S = matrix.shape
    B, _, N, width = value.shape
    D = width // G
    matrix = matrix.reshape(K * T, G * S)
    out = value.new_empty(B, T, N, K * D)
    size = _size(max(K * T, G * S))
    grid = (triton.cdiv(N * D, COLUMNS), triton.cdiv(K * T, size), B)
    _mix[grid](
        matrix, value, out, N, K * T, T, G * S, S,
        *matrix.stride(), *value.stride()[:3], *out.stride()[:3],
        D=D, BM=size, BN=COLUMNS, BK=size, num_warps=4, num_stages=2,
    )  # fmt: skip
    return out


def launch_correlate(left: Tensor, right: Tensor, K: int, G: int) -> Tensor:
    """(B, T, N, K*D) and (B, S, N, G*D) to (K, T, G, S), summed over B, N and D in float32."""
    B, T, N, width = left.shape
    S, D = right.shape[1], width // K
    size = _size(max(K * T, G * S))
    tiles_of_one = triton.cdiv(N * D, COLUMNS)
    tiles = triton.cdiv(K * T, size), triton.cdiv(G * S, size)
    programs = max(1, min(B * tiles_of_one, 528 // (tiles[0] * tiles[1])))
    out = torch.empty(programs, K * T, G * S, dtype=torch.float32, device=left.device)
    _correlate[(programs, *tiles)](
        left, right, out, N, K * T, T, G * S, S, B * tiles_of_one, tiles_of_one,
        *left.stride()[:3], *right.stride()[:3],
        D=D, BM=size, BN=size, BK=COLUMNS, num_warps=4, num_stages=2,
    )  # fmt: skip
    return out.sum(0).view(K, T, G, S)


def _size(rows: int) -> int:
    return min(64, max(16, triton.next_power_of_2(rows)))
