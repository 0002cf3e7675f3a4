"""Compact generalized non-local block (Yue et al., NeurIPS 2018): attention over channels too.

Axes: B batch, C channels, T, H, W, N = T*H*W, G groups, D width of the block, M = D/G*N channels
and positions of a group as one axis.
"""

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.features import Projection, from_rows, require_feature, to_rows
from gta.blocks.fused.products import project
from gta.blocks.options import require_option, require_positive, width_of

Kernel = Literal["dot_product", "rbf"]
GAMMA = 1e-4
"""Of the Gaussian kernel exp(-gamma * |q - k|^2), as in the published code."""


class CGNL(nn.Module):
    """Compact generalized non-local block (CGNL): every channel of every pixel attends to all.

    Maps (B, C, T, H, W) to the same shape for any T, H and W. All pairs of one group's channels and
    positions are compared at linear cost, since the kernel is a product of features: with the dot
    product Y = Q <K, V>, with the Gaussian (RBF) kernel sum_k a_k Q^k <K^k, V>, its Taylor series.
    Frames are treated as a set. With the dot product <K, V> is one number for a group, whose size
    the group normalization undoes: its sign is what remains.

    Checked against `SpatialCGNL` and `SpatialCGNLx` of the authors' code (KaiyuYue/
    cgnl-network.pytorch), extended here from H*W to T*H*W.

    Args:
        channels: C.
        num_frames: Not used, since no parameter has a temporal axis; every block takes it.
        width: D, channels of query, key and value; C/2 unless given.
        groups: G, of channels; the authors' networks have 8.
        kernel: "dot_product" or "rbf".
        order: Of the Taylor series of "rbf".
        scale: Divide by the root of the number of channels and positions of a group.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        width: int | None = None,
        groups: int = 8,
        kernel: Kernel = "dot_product",
        order: int = 3,
        scale: bool = False,
    ):
        super().__init__()
        require_option("kernel", kernel, get_args(Kernel))
        require_positive("groups", groups)
        require_positive("order", order)
        width = width_of(channels, 2, width)
        if width % groups or channels % groups:
            raise ValueError(
                f"{groups} groups do not divide the {channels} channels of the input and the "
                f"{width} of the block: pass groups= a divisor of both"
            )
        self.query = Projection(channels, width, bias=False)
        self.key = Projection(channels, width, bias=False)
        self.value = Projection(channels, width, bias=False)
        self.output = nn.Conv3d(width, channels, 1, groups=groups, bias=False)
        self.norm = nn.GroupNorm(groups, channels)
        nn.init.zeros_(self.norm.weight)
        self.channels, self.groups = channels, groups
        self.scale = scale
        # Coefficients of Q^k <K^k, V>.
        self.taylor = {1: 1.0}
        if kernel == "rbf":
            beta = math.exp(-2 * GAMMA)
            self.taylor = {k: beta * (2 * GAMMA) ** k / math.factorial(k) for k in range(order + 1)}

    def split(self, rows: Tensor) -> Tensor:
        """Projected rows (B, T, H, W, D) as (B, G, M)."""
        return rows.flatten(1, 3).transpose(1, 2).unflatten(1, (self.groups, -1)).flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        require_feature(x, self.channels)
        rows, *projected = project(to_rows(x), self.query, self.key, self.value)
        query, key, value = map(self.split, projected)
        attended = torch.zeros_like(query)
        for k, factor in self.taylor.items():
            attended = attended + factor * query**k * (key**k * value).sum(-1, keepdim=True)
        if self.scale:
            attended = attended / math.sqrt(query.shape[2])
        attended = attended.reshape(x.shape[0], -1, *x.shape[2:])
        return from_rows(rows + to_rows(self.norm(self.output(attended))), like=x)
