"""Cross-channel multi-head attention over time (CCMH), Eq. 6-8, as one matrix product.

Axes: B batch, G groups, K heads (K = G), T frames, S the frames that are summed over, D channels
of a group, N positions or regions.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gta.blocks.kernel_op import kernel_op
from gta.blocks.wide_sum import without_autocast


def mix_groups(matrix: Tensor, value: Tensor) -> Tensor:
    """Mix the frames and channel groups of `value` by a matrix that is the same everywhere.

    out[k*D + d, t] = sum over g and s of matrix[k, t, g, s] * value[g*D + d, s]. Stacking (group,
    frame) into one axis makes the product over frames of each group and head (Eq. 7) and the sum
    over groups (Eq. 8) one (K*T) x (G*S) matrix product. The head k takes the place of the group
    in the result. With one group this is A = M V (Eq. 6).

    Args:
        matrix: (K, T, G, S).
        value: (B, G*D, S, N).

    Returns:
        (B, K*D, T, N).
    """
    groups = value.unflatten(1, (matrix.shape[2], -1))  # (B, G, D, S, N): V_g
    heads = torch.einsum("ktgs,bgdsn->bkdtn", matrix, groups)  # Eq. 6, Eq. 7, Eq. 8
    return heads.flatten(1, 2)


def mix_token_groups(matrix: Tensor, value: Tensor) -> Tensor:
    """`mix_groups` of tokens: (B, S, N, G*D) to (B, T, N, K*D)."""
    return _MixTokens.apply(matrix, value)


class _MixTokens(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix, value):
        ctx.dtype, matrix = matrix.dtype, matrix.to(value.dtype)
        ctx.save_for_backward(matrix, value)
        return _mix(matrix, value)

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, of_heads: Tensor):  # pyright: ignore
        matrix, value = ctx.saved_tensors
        of_matrix = _correlate(of_heads, value, matrix.shape[0], matrix.shape[2])
        return of_matrix.to(ctx.dtype), _mix(matrix.permute(2, 3, 0, 1), of_heads)


def _mix(matrix: Tensor, value: Tensor) -> Tensor:
    if _has_kernel(value, matrix.shape[2]):
        return _mix_tokens(matrix, value)
    return plain_mix(matrix, value)


def _correlate(left: Tensor, right: Tensor, K: int, G: int) -> Tensor:
    if _has_kernel(left, K):
        return _correlate_tokens(left, right, K, G)
    return plain_correlate(left, right, K, G)


def _has_kernel(value: Tensor, groups: int) -> bool:
    """On a GPU, in half precision, with groups whose channels are a power of two from 8 on."""
    width = value.shape[3] // groups
    half = value.dtype in (torch.bfloat16, torch.float16)
    return value.is_cuda and half and width >= 8 and width & (width - 1) == 0


def plain_mix(matrix: Tensor, value: Tensor) -> Tensor:
    """Without gradients, by torch: what the kernel is compared with."""
    K, T, G, S = matrix.shape
    B, N = value.shape[0], value.shape[2]
    groups = value.unflatten(3, (G, -1)).permute(0, 3, 1, 2, 4).reshape(B, G * S, -1)
    heads = matrix.reshape(K * T, G * S) @ groups  # Eq. 6, Eq. 7, Eq. 8
    return heads.view(B, K, T, N, -1).permute(0, 2, 3, 1, 4).reshape(B, T, N, -1)


def plain_correlate(left: Tensor, right: Tensor, K: int, G: int) -> Tensor:
    """The gradient of the matrix (K, T, G, S), of heads (B, T, N, K*D) and (B, S, N, G*D)."""
    return torch.einsum(
        "btnkd,bsngd->ktgs", left.unflatten(3, (K, -1)), right.unflatten(3, (G, -1))
    )


def _mixed_like(matrix: Tensor, value: Tensor) -> Tensor:
    K, T, G, _ = matrix.shape
    B, _, N, width = value.shape
    return value.new_empty(B, T, N, K * (width // G))


@kernel_op("gta::mix_tokens", fake=_mixed_like)
def _mix_tokens(matrix: Tensor, value: Tensor) -> Tensor:
    try:
        from gta.blocks.mix_kernel import launch_mix
    except ImportError:  # Triton is missing
        return plain_mix(matrix, value)
    return launch_mix(matrix, value)


def _matrix_like(left: Tensor, right: Tensor, K: int, G: int) -> Tensor:
    return left.new_empty(K, left.shape[1], G, right.shape[1], dtype=torch.float32)


@kernel_op("gta::correlate_tokens", fake=_matrix_like)
def _correlate_tokens(left: Tensor, right: Tensor, K: int, G: int) -> Tensor:
    try:
        from gta.blocks.mix_kernel import launch_correlate
    except ImportError:
        return plain_correlate(left, right, K, G).float()
    return launch_correlate(left, right, K, G)


def require_groups(width: int, groups: int) -> None:
    """Raise `ValueError` unless the width can be split into that many groups of channels."""
    if groups < 1 or width % groups:
        raise ValueError(
            f"{groups} groups do not divide the block's width of {width} channels: "
            f"groups must be one of {[g for g in range(1, width + 1) if width % g == 0]}"
        )
