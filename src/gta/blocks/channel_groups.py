"""Cross-channel multi-head attention over time (CCMH), Eq. 6-8, as one matrix product.

Axes: B batch, G groups, K heads (K = G), T frames, S the frames that are summed over, D channels
of a group, N positions or regions.
"""

import torch
from torch import Tensor


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
    K, T, G, S = matrix.shape
    B, _, N, width = value.shape
    groups = value.unflatten(3, (G, -1)).permute(0, 3, 1, 2, 4).reshape(B, G * S, -1)
    heads = matrix.reshape(K * T, G * S).to(value.dtype) @ groups  # Eq. 6, Eq. 7, Eq. 8
    return heads.view(B, K, T, N, -1).permute(0, 2, 3, 1, 4).reshape(B, T, N, width)


def require_groups(width: int, groups: int) -> None:
    """Raise `ValueError` unless the width can be split into that many groups of channels."""
    if groups < 1 or width % groups:
        raise ValueError(
            f"{groups} groups do not divide the block's width of {width} channels: "
            f"groups must be one of {[g for g in range(1, width + 1) if width % g == 0]}"
        )
