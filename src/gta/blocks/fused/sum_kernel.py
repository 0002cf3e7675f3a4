"""x + bias + a W + b V in one pass over x, in Triton. See `add_products`."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportPossiblyUnboundVariable=false
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _product(total, a, w, row, c, M, C, K, a_row, a_col, w_row, w_col, BK: tl.constexpr):
    """The tile `total`, plus that of a W."""
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        left = tl.load(
            a + row[:, None] * a_row + k[None, :] * a_col,
            mask=(row < M)[:, None] & (k < K)[None, :], other=0.0,
        )  # fmt: skip
        right = tl.load(
            w + k[:, None] * w_row + c[None, :] * w_col,
            mask=(k < K)[:, None] & (c < C)[None, :], other=0.0,
        )  # fmt: skip
        total = tl.dot(left, right, total)
    return total


@triton.jit
def _add_products(
    x, y, bias, a, w, b, v,
    M, C, K, L, num_columns,
    a_row, a_col, w_row, w_col, b_row, b_col, v_row, v_col,
    HAS_X: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_B: tl.constexpr, EARLY: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    # column tiles that share rows of a run side by side
    row = (program // num_columns).to(tl.int64) * BM + tl.arange(0, BM)
    c = (program % num_columns) * BN + tl.arange(0, BN)
    at = row[:, None] * C + c[None, :]
    inside = (row < M)[:, None] & (c < C)[None, :]
    if HAS_X and EARLY:  # its way from memory overlaps with the products
        before = tl.load(x + at, mask=inside, other=0.0)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    total = _product(total, a, w, row, c, M, C, K, a_row, a_col, w_row, w_col, BK)
    if HAS_B:
        total = _product(total, b, v, row, c, M, C, L, b_row, b_col, v_row, v_col, BK)
    if HAS_X and not EARLY:
        before = tl.load(x + at, mask=inside, other=0.0)
    if HAS_X:
        total += before.to(tl.float32)
    if HAS_BIAS:
        total += tl.load(bias + c, mask=c < C, other=0.0).to(tl.float32)[None, :]
    tl.store(y + at, total.to(y.dtype.element_ty), mask=inside)


# The fastest of those tried on an H200: memory limits short products, tensor cores long ones.
SHORT = {"BM": 64, "BN": 128, "BK": 64, "EARLY": True, "num_warps": 4, "num_stages": 3}
LONG = {"BM": 128, "BN": 128, "BK": 64, "EARLY": False, "num_warps": 4, "num_stages": 3}


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
    tile = SHORT if K + L <= 320 else LONG
    num_columns = triton.cdiv(C, tile["BN"])
    _add_products[(triton.cdiv(M, tile["BM"]) * num_columns,)](
        x, y, bias, a, w, b, v,
        M, C, K, L, num_columns,
        *a.stride(), *w.stride(),
        *((0, 0) if b is None else b.stride()), *((0, 0) if v is None else v.stride()),
        HAS_X=x is not None, HAS_BIAS=bias is not None, HAS_B=b is not None, **tile,
    )  # fmt: skip
    return y
