"""Global Temporal Attention (sections 3.3 and 3.4 of the paper).

Axes: B batch, C channels, T frames, H, W, D width, N = H*W positions, R regions, K heads, G
groups, S frames summed over.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from gta.blocks.channel_groups import mix_groups, mix_token_groups, require_groups
from gta.blocks.frames import require_frames
from gta.blocks.normalised_sum import normalise_shares, normalise_tokens
from gta.blocks.options import require_option, require_positive, width_of
from gta.blocks.shares import ALIGNED, region_shares
from gta.blocks.tokens import from_tokens, joined, project, takes_tokens, to_tokens
from gta.blocks.wide_sum import wide_sum
from gta.blocks.zero_norm import zero_norm

Assignment = Literal["softmax_regions", "softmax_positions", "none"]


class Branch(nn.Module):
    """What Pixel GTA and Region GTA own each: W_V, the learned matrix, W_O and the last norm."""

    def __init__(self, channels: int, num_frames: int, width: int, groups: int):
        super().__init__()
        self.value = nn.Conv3d(channels, width, 1)  # W_V
        self.matrix = nn.Parameter(
            torch.empty(groups, num_frames, groups, num_frames)
        )  # K, T, G, S
        self.output = nn.Conv3d(width, channels, 1)  # W_O
        self.norm = zero_norm(channels)
        nn.init.normal_(self.matrix, std=(groups * num_frames) ** -0.5)  # keeps the variance of V

    def project(self, attended: Tensor, x: Tensor) -> Tensor:
        """W_O and the norm: (B, D, T, N) to the shape of x, (B, C, T, H, W)."""
        return self.norm(self.output(attended.unflatten(3, x.shape[3:])))


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
        groups: G, groups of channels and heads of the cross-channel multi-head design (Eq. 7-8); 1
            is Eq. 6.
        pixel: Whether there is a Pixel GTA branch.
        region: Whether there is a Region GTA branch.
        regions: R, number of regions.
        assignment: How the assignment of positions to regions is normalised; see `regions()`.
        width: D, channels of the values of each branch; C/4 unless given.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        groups: int = 8,
        pixel: bool = True,
        region: bool = True,
        regions: int = 8,
        assignment: Assignment = "softmax_regions",
        width: int | None = None,
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
        self.num_frames = num_frames
        self.normalisation = assignment
        self.pixel = Branch(channels, num_frames, width, groups) if pixel else None
        self.region = Branch(channels, num_frames, width, groups) if region else None
        self.assign = nn.Conv3d(channels, regions, 1) if region else None  # makes W_R from X

    def regions(self, x: Tensor) -> Tensor:
        """W_R, how much of each position belongs to each region: (B, R, T, H, W).

        "softmax_regions": every position is shared out among the regions. "softmax_positions":
        every region is a weighted mean over positions. "none": any real weight, as in GloRe.
        Without the softmax over positions the weights are divided by their number on the way to
        the regions, so that another frame size does not change the scale.
        """
        if self.assign is None:
            raise ValueError("this block has no Region GTA branch: build it with region=True")
        return self.share_out(self.assign(x).flatten(3)).unflatten(3, x.shape[3:])

    def share_out(self, logits: Tensor) -> Tensor:
        """The assignment, normalised, from what the convolution gives: (B, R, T, N) both."""
        if self.normalisation == "softmax_regions":
            return logits.softmax(dim=1)
        if self.normalisation == "softmax_positions":
            return logits.softmax(dim=3)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        require_frames(x, self.num_frames)
        if takes_tokens(x, [branch.norm for branch in self.branches]):
            with torch.autocast(x.device.type, enabled=False):
                return self.forward_tokens(x)
        y = x
        if self.pixel is not None:
            attended = mix_groups(self.pixel.matrix, self.pixel.value(x).flatten(3))  # Eq. 6-8: A^P
            y = y + self.pixel.project(attended, x)  # Eq. 5: X + A^P W_O^P
        if self.region is not None:
            to_regions = self.regions(x).flatten(3)  # W_R: (B, R, T, N)
            value = torch.einsum("brtn,bdtn->bdtr", to_regions, self.region.value(x).flatten(3))
            if self.normalisation != "softmax_positions":
                value = value / to_regions.shape[3]
            attended = mix_groups(self.region.matrix, value)  # Eq. 6-8: A^R
            attended = torch.einsum("brtn,bdtr->bdtn", to_regions, attended)  # W_R^T A^R
            y = y + self.region.project(attended, x)  # Eq. 5: + W_R^T A^R W_O^R
        return y

    @property
    def branches(self) -> list[Branch]:
        """Those that there are: pixel, region."""
        return [branch for branch in (self.pixel, self.region) if branch is not None]

    def forward_tokens(self, x: Tensor) -> Tensor:
        """The same by matrix products alone; see `gta.blocks.tokens` and `gta.blocks.shares`."""
        B, _, T, H, W = x.shape
        tokens, value, shares, sums = self.project_tokens(to_tokens(x).unflatten(0, (B * T, -1)))
        pixel = frames = bias = None
        if self.pixel is not None:
            attended = mix_token_groups(self.pixel.matrix, value.unflatten(0, (B, T, H * W)))
            attended, weight, bias = normalise_tokens(
                attended.flatten(0, 2), self.pixel.output, self.pixel.norm
            )  # Eq. 6-8: A^P
            pixel = attended, weight
        if self.region is not None:
            regions = self.project_regions(sums, shares)
            regions = mix_token_groups(self.region.matrix, regions.unflatten(0, (B, T)))  # A^R
            to_one = self.normalisation == "softmax_regions"
            spread, its_bias = normalise_shares(
                shares,
                regions.flatten(0, 1),
                self.region.output,
                self.region.norm,
                sum_to_one=to_one,
            )
            bias = its_bias if bias is None else bias + its_bias
            if to_one:  # such shares can carry the bias
                spread, bias = spread + bias.to(x.dtype), None
            frames = shares, spread
        y = wide_sum(tokens, bias=bias, tokens=pixel, frames=frames)  # Eq. 5
        return from_tokens(y.flatten(0, 1), x)

    def project_tokens(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From x (B*T, N, C): x, the pixels' values, W_R (B*T, N, R) and W_R^T x (B*T, R, C)."""
        values = [self.pixel.value] if self.pixel is not None else []
        if self.assign is None:
            flat, value = project(x.flatten(0, 1), *values)
            none = x.new_empty(0)
            return flat.view_as(x), value, none, none
        weight, bias = joined(*values, self.assign)
        axis = {"softmax_regions": 2, "softmax_positions": 1, "none": None}[self.normalisation]
        # more regions, of no share, make aligned rows
        more = -self.assign.out_channels % ALIGNED if axis != 1 else 0
        return region_shares(
            x,
            pad(weight, (0, 0, 0, more)).to(x.dtype),
            pad(bias, (0, more), value=float("-inf") if axis == 2 else 0.0).to(x.dtype),
            num_regions=self.assign.out_channels + more,
            softmax=axis,
        )

    def project_regions(self, sums: Tensor, shares: Tensor) -> Tensor:
        """The values of the regions (B*T, R, D), of the sums of their pixels: W_R^T (x W_V + b)."""
        assert self.region is not None
        weight, bias = joined(self.region.value)
        if self.normalisation == "softmax_positions":  # shares of a region sum to one
            return sums @ weight.t().to(sums.dtype) + bias.to(sums.dtype)
        total = shares.sum(1)[..., None] / shares.shape[1]
        return (sums / shares.shape[1]) @ weight.t().to(sums.dtype) + total * bias.to(sums.dtype)
