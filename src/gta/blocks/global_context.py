"""The context block of GCNet (Cao et al., ICCVW 2019): one query for all positions.

Axes: B batch, C channels, T, H, W, N = T*H*W, D width of the transforms.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.features import Projection, require_feature, to_rows
from gta.blocks.options import require_option, width_of

Pooling = Literal["attention", "average"]
Fusion = Literal["add", "multiply"]


def transform(channels: int, width: int) -> nn.Sequential:
    """C to D to C on context vectors (B, C); the last layer starts at zero."""
    last = nn.Linear(width, channels)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(channels, width), nn.LayerNorm(width), nn.ReLU(), last)


class GlobalContext(nn.Module):
    """Global context block (GC): a context pooled over all positions changes every position alike.

    Maps (B, C, T, H, W) to the same shape for any T, H and W: x * sigmoid(f(context)) with
    "multiply", then + g(context) with "add". Frames are treated as a set. With "add" alone the
    block is the identity when inserted; "multiply" starts at x/2, as the reference does.

    Checked against `ContextBlock` of the authors' code (xvjiarui/GCNet).

    Args:
        channels: C.
        num_frames: Not used, since no parameter has a temporal axis; every block takes it.
        width: D, channels inside the transforms; C/16 unless given.
        pooling: The context is the mean over positions, weighted by a softmax ("attention") or not
            ("average").
        fusion: "add", "multiply" or both; the multiplication comes first, whatever their order.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        width: int | None = None,
        pooling: Pooling = "attention",
        fusion: Sequence[Fusion] = ("add",),
    ):
        super().__init__()
        require_option("pooling", pooling, get_args(Pooling))
        for way in fusion:
            require_option("fusion", way, get_args(Fusion))
        if not fusion:
            raise ValueError("fusion is empty: pass ('add',), ('multiply',) or both")
        width = width_of(channels, 16, width)
        self.channels = channels
        self.mask = Projection(channels, 1) if pooling == "attention" else None
        self.multiply = transform(channels, width) if "multiply" in fusion else None
        self.add = transform(channels, width) if "add" in fusion else None

    def attention(self, x: Tensor) -> Tensor:
        """Weights of the positions, (B, N), which sum to 1."""
        require_feature(x, self.channels)
        if self.mask is None:
            return torch.full_like(x[:, 0].flatten(1), 1 / x[0, 0].numel())
        return self.mask(to_rows(x)).flatten(1).softmax(dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        require_feature(x, self.channels)
        context = (x.flatten(2) @ self.attention(x).unsqueeze(2)).squeeze(2)  # (B, C)
        if self.multiply is not None:
            x = x * self.multiply(context).sigmoid()[..., None, None, None]
        if self.add is not None:
            x = x + self.add(context)[..., None, None, None]
        return x
