"""Means over the cells of a grid, for features of any height and width."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


def grid_means(x: Tensor, side: int) -> Tensor:
    """`adaptive_avg_pool2d`: features (N, C, H, W) to (N, C, side, side).

    While a network is exported it is two matrix products, in which H and W are free: torch has its
    windows computed from the sizes, one after the other, and minutes later the sizes are fixed.
    """
    if not torch.compiler.is_exporting():
        return adaptive_avg_pool2d(x, side)
    return matrix_means(x, side)


def matrix_means(x: Tensor, side: int) -> Tensor:
    """The same as products with a matrix for the rows and one for the columns."""
    H, W = x.shape[2:]
    return cell_weights(H, side, x) @ x @ cell_weights(W, side, x).transpose(0, 1)


def cell_weights(size: int, side: int, like: Tensor) -> Tensor:
    """The weight of each position in the mean of each cell, (side, size): each row sums to 1.

    Cell i has the positions from floor(i size / side) to ceil((i + 1) size / side), as in torch.
    """
    cell = torch.arange(side, device=like.device)[:, None]
    position = torch.arange(size, device=like.device)
    within = ((position + 1) * side > cell * size) & (position * side < (cell + 1) * size)
    there = within.to(like.dtype)
    return there / there.sum(dim=1, keepdim=True)
