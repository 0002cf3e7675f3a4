"""Global Temporal Attention (sections 3.3 and 3.4 of the paper).

Axes: B batch, C channels, T frames, H, W, D width, N = H*W positions, R regions, K heads, G
groups, S frames summed over.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.channel_groups import mix_groups, mix_token_groups, require_groups
from gta.blocks.frames import require_frames
from gta.blocks.normalised_sum import add_normalised
from gta.blocks.options import require_option, require_positive, width_of
from gta.blocks.tokens import from_tokens, project, takes_tokens, to_tokens
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
        """The same by matrix products alone; see `gta.blocks.tokens`."""
        B, _, T, H, W = x.shape
        branches = self.branches
        layers = [*(branch.value for branch in branches), *([self.assign] if self.assign else [])]
        tokens, wide = project(to_tokens(x), *layers)
        sizes = [layer.out_channels for layer in layers]
        parts = wide.unflatten(0, (B, T, H * W)).split(sizes, dim=3)
        mixed = []
        if self.pixel is not None:
            mixed.append(mix_token_groups(self.pixel.matrix, parts[0]))  # Eq. 6-8: A^P
        if self.region is not None:
            value, logits = parts[-2:]
            to_regions = self.share_out(logits.permute(0, 3, 1, 2)).permute(0, 2, 1, 3)  # W_R
            regions = to_regions @ value  # (B, T, R, D)
            if self.normalisation != "softmax_positions":
                regions = regions / (H * W)
            regions = mix_token_groups(self.region.matrix, regions)  # Eq. 6-8: A^R
            mixed.append(to_regions.transpose(2, 3) @ regions)  # W_R^T A^R
        y = add_normalised(
            tokens,
            [one.flatten(0, 2) for one in mixed],
            [branch.output for branch in branches],
            [branch.norm for branch in branches],
        )  # Eq. 5
        return from_tokens(y, x)
