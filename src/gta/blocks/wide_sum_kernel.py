"""x + a W + P U + bias in one pass over x, in Triton. See `wide_sum`."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportPossiblyUnboundVariable=false
import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _add_products(
    x, y, bias, a, w, p, u,
    N, C, K, S, num_row_tiles, num_columns,
    a_row, a_col, w_row, w_col,
    p_frame, p_row, p_col, u_frame, u_row, u_col,
    HAS_BIAS: tl.constexpr, HAS_A: tl.constexpr, HAS_P: tl.constexpr, EARLY: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, BS: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    column_tile = program % num_columns  # those that share rows of a run side by side
    tile = program // num_columns
    frame = (tile // num_row_tiles).to(tl.int64)
    n = (tile % num_row_tiles) * BM + tl.arange(0, BM)
    c = column_tile * BN + tl.arange(0, BN)
    inside_n, inside_c = n < N, c < C
    row = frame * N + n
    at = row[:, None] * C + c[None, :]
    inside = inside_n[:, None] & inside_c[None, :]
    if EARLY:  # its way from memory overlaps with the products
        before = tl.load(x + at, mask=inside, other=0.0)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    if HAS_A:
        for start in range(0, K, BK):
            k = start + tl.arange(0, BK)
            left = tl.load(
                a + row[:, None] * a_row + k[None, :] * a_col,
                mask=inside_n[:, None] & (k[None, :] < K), other=0.0,
            )  # fmt: skip
            right = tl.load(
                w + k[:, None] * w_row + c[None, :] * w_col,
                mask=(k[:, None] < K) & inside_c[None, :], other=0.0,
            )  # fmt: skip
            total = tl.dot(left, right, total)
    if HAS_P:
        for start in range(0, S, BS):
            s = start + tl.arange(0, BS)
            left = tl.load(
                p + frame * p_frame + n[:, None] * p_row + s[None, :] * p_col,
                mask=inside_n[:, None] & (s[None, :] < S), other=0.0,
            )  # fmt: skip
            right = tl.load(
                u + frame * u_frame + s[:, None] * u_row + c[None, :] * u_col,
                mask=(s[:, None] < S) & inside_c[None, :], other=0.0,
            )  # fmt: skip
            total = tl.dot(left, right, total)
    if not EARLY:
        before = tl.load(x + at, mask=inside, other=0.0)
    total += before.to(tl.float32)
    if HAS_BIAS:
        total += tl.load(bias + c, mask=inside_c, other=0.0).to(tl.float32)[None, :]
    tl.store(y + at, total.to(y.dtype.element_ty), mask=inside)


# The fastest of those tried on an H200: memory limits short products, tensor cores long ones.
SHORT = {"BM": 64, "BN": 128, "BK": 64, "EARLY": True, "num_warps": 4, "num_stages": 3}
LONG = {"BM": 128, "BN": 128, "BK": 64, "EARLY": False, "num_warps": 4, "num_stages": 3}


def launch(
    x: Tensor,
    bias: Tensor | None,
    a: Tensor | None,
    w: Tensor | None,
    p: Tensor | None,
    u: Tensor | None,
) -> Tensor:
    """Of x (F, N, C), contiguous, bias (C), a (F*N, K), w (K, C), p (F, N, S), u (F, S, C)."""
    F, N, C = x.shape
    K, S = 0 if a is None else a.shape[1], 0 if p is None else p.shape[2]
    if p is None:  # no need to stop at the end of a frame
        F, N = 1, F * N
    y = torch.empty_like(x)
    tile = SHORT if K + S <= 320 else LONG
    num_row_tiles, num_columns = triton.cdiv(N, tile["BM"]), triton.cdiv(C, tile["BN"])
    _add_products[(F * num_row_tiles * num_columns,)](
        x, y, bias, a, w, p, u,
        N, C, K, S, num_row_tiles, num_columns,
        *((0, 0) if a is None else a.stride()), *((0, 0) if w is None else w.stride()),
        *((0, 0, 0) if p is None else p.stride()), *((0, 0, 0) if u is None else u.stride()),
        HAS_BIAS=bias is not None, HAS_A=a is not None, HAS_P=p is not None,
        BS=min(64, max(16, triton.next_power_of_2(S))), **tile,
    )  # fmt: skip
    return y
