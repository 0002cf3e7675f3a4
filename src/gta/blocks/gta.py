"""Global Temporal Attention (sections 3.3 and 3.4 of the paper).

Axes: B batch, C channels, T frames, H, W, D width, N = H*W positions, R regions, K heads, G
groups, S frames summed over.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.causal import CausalBranch
from gta.blocks.channel_groups import mix_groups, require_groups
from gta.blocks.features import (
    Projection,
    from_rows,
    require_feature,
    require_frames,
    to_rows,
    zero_norm,
)
from gta.blocks.fused.add_normalized import add_normalized
from gta.blocks.fused.parts import is_own
from gta.blocks.fused.products import project
from gta.blocks.options import require_option, require_positive, width_of
from gta.blocks.resample import resize_grid

Assignment = Literal["softmax_regions", "softmax_positions", "none"]


class Branch(nn.Module):
    """What Pixel GTA and Region GTA own each: W_V, the learned matrix, W_O and the last norm."""

    def __init__(self, channels: int, num_frames: int, width: int, groups: int, heads: int):
        super().__init__()
        self.value = Projection(channels, width)  # W_V
        self.matrix = nn.Parameter(torch.empty(heads, num_frames, groups, num_frames))  # K, T, G, S
        concatenated = heads * width // groups
        self.heads = Projection(concatenated, width) if heads != groups else None
        self.output = Projection(width, channels)  # W_O
        self.norm = zero_norm(channels)
        nn.init.normal_(self.matrix, std=(groups * num_frames) ** -0.5)  # keeps the variance of V

    def mix(self, value: Tensor) -> Tensor:
        """A, the values (B, T, ..., D) mixed over frames and channel groups."""
        attended = mix_groups(self.matrix, value)  # Eq. 6-8
        return attended if self.heads is None else self.heads(attended)


class LearnedRegions(nn.Module):
    """W_R as section 3.3 writes it: a learned T x R x HW matrix, the same for all samples.

    A feature of another size than `grid` sees it resized.
    """

    def __init__(self, num_frames: int, regions: int, grid: tuple[int, int]):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_frames, regions, *grid))  # T, R, H, W

    def forward(self, shape: torch.Size) -> Tensor:
        """For a feature of shape (B, C, T, H, W): (B, T, H, W, R)."""
        weight = resize_grid(self.weight, *shape[3:])
        return weight.movedim(1, -1).repeat(shape[0], 1, 1, 1, 1)


class GlobalTemporalAttention(nn.Module):
    """Global Temporal Attention (GTA): frames mixed by learned matrices, Eq. 5-8.

    Maps (B, C, T, H, W) to the same shape for any H and W; T is fixed by the matrices, which are
    the same for all samples. Two parallel branches act on the same input: Pixel GTA mixes the
    frames at each position, Region GTA mixes them in each of R regions, which a 1x1 convolution
    assigns by content, and sends the result back to the pixels. Put `SpatialAttention` before it
    for the paper's full block.

    He et al., "GTA: Global Temporal Attention for Video Action Understanding", section 3.3. No
    public implementation exists; checked against loops written from the equations.

    Args:
        channels: C.
        num_frames: T, the size of the learned matrices.
        groups: G, groups of channels of the cross-channel multi-head design (Eq. 7-8); 1 is Eq. 6.
        heads: N_h; G unless given. If it is another number, a layer of its own takes what the heads
            give to D channels.
        pixel: Whether there is a Pixel GTA branch.
        region: Whether there is a Region GTA branch.
        regions: R, number of regions.
        assignment: How the assignment of positions to regions is normalized; see `regions()`.
        region_grid: (H, W) of positions for which W_R is learned as a free T x R x HW matrix,
            instead of made from X. Features of another size see it resized, so H and W stay free.
        width: D, channels of the values of each branch; C/4 unless given.
        causal: A frame is mixed with the T - 1 before it alone, by matrices of the lag t - s; T in
            `forward` is then free. For streams: see `gta.blocks.causal`.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        groups: int = 8,
        heads: int | None = None,
        pixel: bool = True,
        region: bool = True,
        regions: int = 8,
        assignment: Assignment = "softmax_regions",
        region_grid: tuple[int, int] | None = None,
        width: int | None = None,
        causal: bool = False,
    ):
        super().__init__()
        if not pixel and not region:
            raise ValueError(
                "a GTA block without branches does nothing: set pixel=True, region=True or both"
            )
        require_option("assignment", assignment, get_args(Assignment))
        require_positive("num_frames", num_frames)
        require_positive("regions", regions)
        width = width_of(channels, 4, width)
        require_groups(width, groups)
        heads = groups if heads is None else heads
        require_positive("heads", heads)
        if causal and region_grid is not None:
            raise ValueError(
                f"region_grid={region_grid} learns W_R of each frame of a clip, and a stream has "
                f"no such frames: leave it out, or build the block with causal=False"
            )
        self.channels, self.num_frames, self.causal = channels, num_frames, causal
        self.normalization = assignment
        branch = CausalBranch if causal else Branch
        self.pixel = branch(channels, num_frames, width, groups, heads) if pixel else None
        self.region = branch(channels, num_frames, width, groups, heads) if region else None
        self.learns_regions = region_grid is not None
        self.assign = None
        if region_grid is not None:
            for side in region_grid:
                require_positive("both numbers of region_grid", side)
            self.assign = LearnedRegions(num_frames, regions, region_grid) if region else None
        elif region:
            self.assign = Projection(channels, regions)  # makes W_R from X

    def regions(self, x: Tensor) -> Tensor:
        """W_R, how much of each position belongs to each region: (B, R, T, H, W).

        "softmax_regions": the weights of a position sum to 1 over the regions. "softmax_positions":
        every region is a weighted mean over positions. "none": any real weight, as in GloRe.
        Without the softmax over positions the weights are divided by their number on the way to
        the regions, so that another frame size does not change the scale.
        """
        if self.assign is None:
            raise ValueError("this block has no Region GTA branch: build it with region=True")
        require_feature(x, self.channels)
        seen = x.shape if self.learns_regions else to_rows(x)
        return from_rows(self.assignment_weights(self.assign(seen)))

    def assignment_weights(self, logits: Tensor) -> Tensor:
        """The assignment, normalized, from what the projection gives: (B, T, H, W, R) both."""
        if self.normalization == "softmax_regions":
            return logits.softmax(dim=4, dtype=logits.dtype)
        if self.normalization == "softmax_positions":
            return logits.flatten(2, 3).softmax(dim=2, dtype=logits.dtype).view_as(logits)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        require_feature(x, self.channels)
        if not self.causal:
            require_frames(x, self.num_frames)
        rows, values, weights = self.project(x)
        terms = []
        if self.pixel is not None:
            attended = self.pixel.mix(values[0])  # Eq. 6-8: A^P
            terms.append((attended, self.pixel.output, self.pixel.norm))  # A^P W_O^P
        if self.region is not None and weights is not None:
            weights = weights.flatten(2, 3)  # W_R: (B, T, N, R)
            value = weights.transpose(2, 3) @ values[-1].flatten(2, 3)  # W_R V: (B, T, R, D)
            if self.normalization != "softmax_positions":
                value = value / weights.shape[2]
            attended = weights @ self.region.mix(value)  # Eq. 6-8: W_R^T A^R
            attended = attended.unflatten(2, rows.shape[2:4])
            terms.append((attended, self.region.output, self.region.norm))  # W_R^T A^R W_O^R
        return from_rows(add_normalized(rows, *terms), like=x)  # Eq. 5

    def project(self, x: Tensor) -> tuple[Tensor, list[Tensor], Tensor | None]:
        """The rows of x, the values of each branch (B, T, H, W, D), and W_R (B, T, H, W, R)."""
        parts = [branch.value for branch in (self.pixel, self.region) if branch is not None]
        by_content = not self.learns_regions and is_own(self, "regions", _REGIONS)
        if self.assign is not None and by_content:
            rows, *values, logits = project(to_rows(x), *parts, self.assign)
            return rows, values, self.assignment_weights(logits)
        rows, *values = project(to_rows(x), *parts)
        return rows, values, None if self.region is None else to_rows(self.regions(x))


_REGIONS = GlobalTemporalAttention.regions
