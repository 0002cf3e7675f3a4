"""Several heads over the same features, whose logits are averaged."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gta.backbones.clip_head import ClipHead, Normalize, normalize_clip
from gta.blocks.options import require_positive


class HeadEnsemble(nn.Module):
    """Heads that differ in how they start: what is chance in one is averaged out.

    Maps features (B, C, T, H, W) to logits (B, num_classes), the mean of those of the heads, which
    are trained together.

    Args:
        channels: C.
        num_frames: T.
        make: Makes a `ClipHead` from C and T.
        count: How many.
    """

    def __init__(
        self, channels: int, num_frames: int, *, make: Callable[[int, int], ClipHead], count: int
    ):
        super().__init__()
        require_positive("count", count)
        heads = [make(channels, num_frames) for _ in range(count)]
        self.heads, self.causal = nn.ModuleList(heads), heads[0].causal
        self.normalize: Normalize = heads[0].normalize

    def forward(self, x: Tensor) -> Tensor:
        shared = self.normalized(x)
        return torch.stack([head(x, shared) for head in self.heads]).mean(dim=0)

    def normalized(self, x: Tensor) -> Tensor | None:
        """The features as all heads see them, in memory for rows; None: each head's are its own."""
        if self.causal:  # a head keeps the frames before
            return None
        seen = normalize_clip(x, self.normalize)
        return seen.contiguous(memory_format=torch.channels_last_3d)
