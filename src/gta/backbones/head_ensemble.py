"""Several heads over the same features, whose logits are averaged."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gta.blocks.options import require_positive


class HeadEnsemble(nn.Module):
    """Heads that differ in how they start: what is chance in one is averaged out.

    Maps features (B, C, T, H, W) to logits (B, num_classes), the mean of those of the heads, which
    are trained together.

    Args:
        channels: C.
        num_frames: T.
        make: Makes a head from C and T, such as a partial `ClipHead`.
        count: How many.
    """

    def __init__(
        self, channels: int, num_frames: int, *, make: Callable[[int, int], nn.Module], count: int
    ):
        super().__init__()
        require_positive("count", count)
        self.heads = nn.ModuleList(make(channels, num_frames) for _ in range(count))
        self.causal = getattr(self.heads[0], "causal", False) is True

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([head(x) for head in self.heads]).mean(dim=0)
