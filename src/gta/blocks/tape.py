"""Temporal attention with positional embedding (section B of the paper's appendix).

Axes: B batch, C channels, T frames, N = H*W positions, K heads, G groups (K = G), S frames summed
over, D channels of a group.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.channel_groups import require_groups
from gta.blocks.frame_attention import attend_frames
from gta.blocks.frames import require_frames
from gta.blocks.normalised_sum import add_normalised
from gta.blocks.options import require_option, require_positive, width_of
from gta.blocks.tokens import from_tokens, project, takes_tokens, to_tokens
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
        self.num_frames = num_frames
        self.groups = groups
        self.query = nn.Conv3d(channels, width, 1)  # W_Q
        self.key = nn.Conv3d(channels, width, 1)  # W_K
        self.value = nn.Conv3d(channels, width, 1)  # W_V
        self.output = nn.Conv3d(width, channels, 1)  # W_O
        self.norm = zero_norm(channels)
        self.scale = (width // groups) ** -0.5 if scale else 1.0
        if position == "learned":
            self.position = nn.Parameter(torch.empty(num_frames, width))
            nn.init.normal_(self.position, std=0.02)
        else:
            self.register_buffer("position", sinusoids(num_frames, width))

    def split(self, x: Tensor) -> Tensor:
        """(B, G*D, T, H, W) to (B, N, G, T, D)."""
        return x.flatten(3).unflatten(1, (self.groups, -1)).permute(0, 4, 1, 3, 2)

    def attention(self, x: Tensor) -> Tensor:
        """Weights of head k, frame t on group g, frame s at each position: (B, N, K, T, G, S)."""
        require_frames(x, self.num_frames)
        position = self.position.T[..., None, None]  # (G*D, T, 1, 1)
        query, key = (
            self.split(self.query(x) + position),
            self.split(self.key(x) + position),
        )  # Eq. 1
        scores = torch.einsum("bnktd,bngsd->bnktgs", query, key)
        return (scores * self.scale).softmax(dim=-1)  # Eq. 2, over the frames of one group

    def forward(self, x: Tensor) -> Tensor:
        require_frames(x, self.num_frames)
        if takes_tokens(x, [self.norm]):
            with torch.autocast(x.device.type, enabled=False):
                return self.forward_tokens(x)
        value = self.split(self.value(x))  # Eq. 1
        attended = torch.einsum(
            "bnktgs,bngsd->bkdtn", self.attention(x), value
        )  # Eq. 3, Eq. 7, Eq. 8
        attended = attended.flatten(1, 2).unflatten(3, x.shape[3:])
        return x + self.norm(self.output(attended))  # Eq. 4

    def forward_tokens(self, x: Tensor) -> Tensor:
        """The same by matrix products; see `gta.blocks.tokens`."""
        B, _, T, H, W = x.shape
        tokens, wide = project(to_tokens(x), self.query, self.key, self.value)  # Eq. 1
        attended = attend_frames(
            wide.unflatten(0, (B, T, H * W)),
            position=self.position,
            groups=self.groups,
            scale=self.scale,
        )  # Eq. 2, Eq. 3, Eq. 7, Eq. 8
        y = add_normalised(tokens, attended.flatten(0, 2), self.output, self.norm)  # Eq. 4
        return from_tokens(y, x)
