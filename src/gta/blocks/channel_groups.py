"""Cross-channel multi-head attention over time (CCMH), Eq. 6-8, as one matrix product.

Axes: B batch, G groups, K heads (K = G as a rule), T frames, S the frames that are summed over, D
channels of a group; positions or regions stand at the dots.
"""

import torch
from torch import Tensor


def mix_groups(matrix: Tensor, value: Tensor) -> Tensor:
    """Mix the frames and channel groups of `value` by a matrix that is the same everywhere.

    out[t, k*D + d] = sum over g and s of matrix[k, t, g, s] * value[s, g*D + d]. Stacking (group,
    frame) into one axis makes the product over frames of each group and head (Eq. 7) and the sum
    over groups (Eq. 8) one (K*T) x (G*S) matrix product. The head k takes the place of the group
    in the result. With one group and head this is A = M V (Eq. 6).

    Args:
        matrix: (K, T, G, S).
        value: (B, S, ..., G*D).

    Returns:
        (B, T, ..., K*D).
    """
    groups = value.unflatten(-1, (matrix.shape[2], -1))  # (B, S, ..., G, D): V_g
    heads = torch.einsum("ktgs,bs...gd->bt...kd", matrix, groups)  # Eq. 6, Eq. 7, Eq. 8
    return heads.flatten(-2)


def fitting_groups(width: int, groups: int) -> int:
    """The largest number of groups, at most `groups`, that divides the width."""
    return next(g for g in range(min(groups, width), 0, -1) if width % g == 0)


def require_groups(width: int, groups: int) -> None:
    """Raise `ValueError` unless the width can be split into that many groups of channels."""
    if groups < 1 or width % groups:
        raise ValueError(
            f"{groups} groups do not divide the block's width of {width} channels: "
            f"groups must be one of {[g for g in range(1, width + 1) if width % g == 0]}"
        )
