"""Temporal attention with positional embedding (section B of the paper's appendix).

Axes: B batch, C channels, T frames, N = H*W positions, K heads, G groups (K = G), S frames summed
over, D channels of a group.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.channel_groups import require_groups
from gta.blocks.frames import require_feature, require_frames
from gta.blocks.fused.add_normalised import add_normalised
from gta.blocks.fused.attend_frames import attend_frames, frame_weights, weighted_frames
from gta.blocks.fused.parts import is_own
from gta.blocks.fused.project import project
from gta.blocks.options import require_option, require_positive, width_of
from gta.blocks.rows import Projection, from_rows, to_rows
from gta.blocks.zero_norm import zero_norm

Position = Literal["learned", "sinusoidal"]


def sinusoids(num_frames: int, width: int) -> Tensor:
    """Sines and cosines of the frame number, (T, D): Vaswani et al. 2017, section 3.5."""
    channel = torch.arange(width)
    # in float64, because the angle of a late frame has few digits left in float32
    wavelength = 10000.0 ** (2 * (channel // 2).double() / width)
    angle = torch.arange(num_frames)[:, None] / wavelength
    return torch.where(channel % 2 == 0, angle.sin(), angle.cos()).to(torch.get_default_dtype())


class TAPE(nn.Module):
    """Temporal attention with positional embedding: self-attention that knows the order of frames.

    Maps (B, C, T, H, W) to the same shape for any H and W; T is fixed by the embedding. The
    embedding is added to queries and keys after their projections. With groups, head k of the
    queries attends to each group g of the keys by itself and the results are summed over the
    groups (Eq. 7-8 with the matrices computed from the input).

    Section B of the GTA paper, Eq. 1-4 along time. No public implementation exists; checked against
    loops.

    Args:
        channels: C.
        num_frames: T, the length of the embedding.
        groups: G, groups of channels and heads; 1 is plain attention.
        position: "learned" from small random numbers, or fixed "sinusoidal".
        width: Channels of query, key and value; C/4 unless given.
        scale: Divide the dot products by the root of a group's number of channels.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        groups: int = 1,
        position: Position = "learned",
        width: int | None = None,
        scale: bool = True,
    ):
        super().__init__()
        require_option("position", position, get_args(Position))
        require_positive("num_frames", num_frames)
        width = width_of(channels, 4, width)
        require_groups(width, groups)
        self.channels, self.num_frames = channels, num_frames
        self.groups = groups
        self.query = Projection(channels, width)  # W_Q
        self.key = Projection(channels, width)  # W_K
        self.value = Projection(channels, width)  # W_V
        self.output = Projection(width, channels)  # W_O
        self.norm = zero_norm(channels)
        self.scale = (width // groups) ** -0.5 if scale else 1.0
        if position == "learned":
            self.position = nn.Parameter(torch.empty(num_frames, width))
            nn.init.normal_(self.position, std=0.02)
        else:
            self.register_buffer("position", sinusoids(num_frames, width))

    def attention(self, x: Tensor) -> Tensor:
        """Weights of head k, frame t on group g, frame s at each position: (B, N, K, T, G, S)."""
        require_feature(x, self.channels)
        require_frames(x, self.num_frames)
        _, query, key = project(to_rows(x), self.query, self.key)  # Eq. 1
        weights = frame_weights(query, key, self.position, self.groups, self.scale)  # Eq. 2
        return weights.flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        require_feature(x, self.channels)
        require_frames(x, self.num_frames)
        if is_own(self, "attention", _ATTENTION):
            rows, query, key, value = project(to_rows(x), self.query, self.key, self.value)  # Eq. 1
            attended = attend_frames(
                query,
                key,
                value,
                position=self.position,
                groups=self.groups,
                scale=self.scale,
            )  # Eq. 2, Eq. 3, Eq. 7, Eq. 8
        else:
            rows, value = project(to_rows(x), self.value)
            weights = self.attention(x).unflatten(1, rows.shape[2:4])
            attended = weighted_frames(weights, value)
        y = add_normalised(rows, (attended, self.output, self.norm))  # Eq. 4
        return from_rows(y, like=x)


_ATTENTION = TAPE.attention
