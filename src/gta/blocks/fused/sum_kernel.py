"""x + bias + a W + b V in one pass over x, in Triton. See `add_products`."""

# pyright: reportMissingImports=false, reportArgumentType=false
# pyright: reportPossiblyUnboundVariable=false, reportGeneralTypeIssues=false
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _load(x, row, col, M, N, x_row, x_col):
    """A tile of x (M, N); what is outside of it is 0."""
    at = x + row[:, None] * x_row + col[None, :] * x_col
    return tl.load(at, mask=(row < M)[:, None] & (col < N)[None, :], other=0.0)


@triton.jit
def _store(y, x, bias, total, row, c, M, C, HAS_X: tl.constexpr, HAS_BIAS: tl.constexpr):
    """A tile of y: the products' total, plus x and bias."""
    if HAS_X:
        total += _load(x, row, c, M, C, C, 1).to(tl.float32)
    if HAS_BIAS:
        total += tl.load(bias + c, mask=c < C, other=0.0).to(tl.float32)[None, :]
    inside = (row < M)[:, None] & (c < C)[None, :]
    tl.store(y + row[:, None] * C + c[None, :], total.to(y.dtype.element_ty), mask=inside)


@triton.jit
def _long(
    x, y, bias, a, w, b, v,
    M, C, K, L, num_columns,
    a_row, a_col, w_row, w_col, b_row, b_col, v_row, v_col,
    HAS_X: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_B: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, BL: tl.constexpr,
):  # fmt: skip
    """A tile of y for each program; column tiles that share rows of a run side by side."""
    row = (tl.program_id(0) // num_columns).to(tl.int64) * BM + tl.arange(0, BM)
    c = (tl.program_id(0) % num_columns) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        right = _load(w, k, c, K, C, w_row, w_col)
        total = tl.dot(_load(a, row, k, M, K, a_row, a_col), right, total)
    if HAS_B:
        for start in range(0, L, BL):
            k = start + tl.arange(0, BL)
            right = _load(v, k, c, L, C, v_row, v_col)
            total = tl.dot(_load(b, row, k, M, L, b_row, b_col), right, total)
    _store(y, x, bias, total, row, c, M, C, HAS_X, HAS_BIAS)


@triton.jit
def _short(
    x, y, bias, a, w, b, v,
    M, C, K, L, num_columns,
    a_row, a_col, w_row, w_col, b_row, b_col, v_row, v_col,
    HAS_X: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_B: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, BL: tl.constexpr,
):  # fmt: skip
    """Each program keeps its columns of W and V for many tiles of rows, whose loads overlap."""
    c = (tl.program_id(0) % num_columns) * BN + tl.arange(0, BN)
    k, n = tl.arange(0, BK), tl.arange(0, BL)
    its_w = _load(w, k, c, K, C, w_row, w_col)
    if HAS_B:
        its_v = _load(v, n, c, L, C, v_row, v_col)
    first, step = tl.program_id(0) // num_columns, tl.num_programs(0) // num_columns
    for tile in tl.range(first, tl.cdiv(M, BM), step, num_stages=3):
        row = (tile * BM + tl.arange(0, BM)).to(tl.int64)
        total = tl.dot(_load(a, row, k, M, K, a_row, a_col), its_w)
        if HAS_B:
            total = tl.dot(_load(b, row, n, M, L, b_row, b_col), its_v, total)
        _store(y, x, bias, total, row, c, M, C, HAS_X, HAS_BIAS)


# The fastest of those tried on an H200.
LONG = {"BM": 128, "BN": 128, "BK": 64, "BL": 64, "num_warps": 4, "num_stages": 3}
SHORT = {"BM": 64, "BN": 128, "num_warps": 4}
SHORTEST, PROGRAMS = 256, 132
"""Rows of W and V together that a program can keep, and how many of them there are at once."""


def launch(
    x: Tensor | None,
    bias: Tensor | None,
    a: Tensor,
    w: Tensor,
    b: Tensor | None,
    v: Tensor | None,
) -> Tensor:
    """Of x (M, C), contiguous, bias (C), a (M, K), w (K, C), b (M, L), v (L, C)."""
    (M, K), C, L = a.shape, w.shape[1], 0 if b is None else b.shape[1]
    y = a.new_empty(M, C)
    sizes = {"BK": _power(K), "BL": _power(L)}
    short = x is not None and sizes["BK"] + (L and sizes["BL"]) <= SHORTEST
    kernel, tile = (_short, SHORT | sizes) if short else (_long, LONG)
    columns, programs = triton.cdiv(C, tile["BN"]), triton.cdiv(M, tile["BM"])
    if short:
        programs = min(programs, max(1, PROGRAMS // columns))
    kernel[(programs * columns,)](
        x, y, bias, a, w, b, v,
        M, C, K, L, columns,
        *a.stride(), *w.stride(),
        *((0, 0) if b is None else b.stride()), *((0, 0) if v is None else v.stride()),
        HAS_X=x is not None, HAS_BIAS=bias is not None, HAS_B=b is not None, **tile,
    )  # fmt: skip
    return y


def _power(size: int) -> int:
    return max(16, triton.next_power_of_2(size))
