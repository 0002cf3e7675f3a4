"""Temporal attention with positional embedding (section B of the paper's appendix).

Axes: B batch, C channels, T frames, N = H*W positions, K heads, G groups (K = G), S frames summed
over, D channels of a group.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gta.blocks.channel_groups import require_groups
from gta.blocks.features import (
    Projection,
    from_rows,
    require_feature,
    require_frames,
    to_rows,
    zero_norm,
)
from gta.blocks.fused.add_normalized import add_normalized
from gta.blocks.fused.attend_frames import attend_frames, frame_weights, weighted_frames
from gta.blocks.fused.parts import is_own
from gta.blocks.fused.products import project
from gta.blocks.options import require_option, require_positive, width_of

Position = Literal["learned", "sinusoidal"]
AddTo = Literal["qk", "qkv", "input"]


def sinusoids(num_frames: int, width: int) -> Tensor:
    """Sines and cosines of the frame number, (T, D): Vaswani et al. 2017, section 3.5."""
    channel = torch.arange(width)
    # in float64, because the angle of a late frame has few digits left in float32
    wavelength = 10000.0 ** (2 * (channel // 2).double() / width)
    angle = torch.arange(num_frames)[:, None] / wavelength
    return torch.where(channel % 2 == 0, angle.sin(), angle.cos()).to(torch.get_default_dtype())


class TAPE(nn.Module):
    """Temporal attention with positional embedding: self-attention that knows the order of frames.

    Maps (B, C, T, H, W) to the same shape for any H and W; T is fixed by the embedding. With
    groups, head k of the queries attends to each group g of the keys by itself and the results are
    summed over the groups (Eq. 7-8 with the matrices computed from the input).

    Section B of the GTA paper, Eq. 1-4 along time; it does not say how positions start and where
    they are added. No public implementation exists; checked against loops.

    Args:
        channels: C.
        num_frames: T, the length of the embedding.
        groups: G, groups of channels and heads; 1 is plain attention.
        position: "learned" from random numbers, or fixed "sinusoidal".
        position_std: Standard deviation of learned positions at the start.
        add_to: What positions are added to: "qk", queries and keys; "qkv", values too; "input",
            what is projected to all three, where W_Q and W_K make of a position what they like.
            The residual connection never has them, so a new block is the identity.
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
        position_std: float = 0.02,
        add_to: AddTo = "qk",
        width: int | None = None,
        scale: bool = True,
    ):
        super().__init__()
        require_option("position", position, get_args(Position))
        require_option("add_to", add_to, get_args(AddTo))
        if not position_std > 0:
            raise ValueError(f"position_std must be above 0, got {position_std}")
        require_positive("num_frames", num_frames)
        width = width_of(channels, 4, width)
        require_groups(width, groups)
        self.channels, self.num_frames = channels, num_frames
        self.groups, self.add_to = groups, add_to
        self.query = Projection(channels, width)  # W_Q
        self.key = Projection(channels, width)  # W_K
        self.value = Projection(channels, width)  # W_V
        self.output = Projection(width, channels)  # W_O
        self.norm = zero_norm(channels)
        self.scale = (width // groups) ** -0.5 if scale else 1.0
        size = channels if add_to == "input" else width
        if position == "learned":
            self.position = nn.Parameter(torch.empty(num_frames, size))
            nn.init.normal_(self.position, std=position_std)
        else:
            self.register_buffer("position", sinusoids(num_frames, size))

    def attention(self, x: Tensor) -> Tensor:
        """Weights of head k, frame t on group g, frame s at each position: (B, N, K, T, G, S)."""
        require_feature(x, self.channels)
        require_frames(x, self.num_frames)
        _, query, key = self.project(x, self.query, self.key)  # Eq. 1
        weights = frame_weights(query, key, self.compared, self.groups, self.scale)  # Eq. 2
        return weights.flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        require_feature(x, self.channels)
        require_frames(x, self.num_frames)
        if is_own(self, "attention", _ATTENTION):
            rows, query, key, value = self.project(x, self.query, self.key, self.value)  # Eq. 1
            attended = attend_frames(
                query,
                key,
                self.carried(value),
                position=self.compared,
                groups=self.groups,
                scale=self.scale,
            )  # Eq. 2, Eq. 3, Eq. 7, Eq. 8
        else:
            rows, value = self.project(x, self.value)
            weights = self.attention(x).unflatten(1, rows.shape[2:4])
            attended = weighted_frames(weights, self.carried(value))
        y = add_normalized(rows, (attended, self.output, self.norm))  # Eq. 4
        return from_rows(y, like=x)

    def project(self, x: Tensor, *parts: nn.Module) -> list[Tensor]:
        """The rows of x, and projections of them, or of them and their positions."""
        rows = to_rows(x)
        if self.add_to == "input":
            return [rows, *project(self.placed(rows), *parts)[1:]]
        return project(rows, *parts)

    @property
    def compared(self) -> Tensor | None:
        """The positions that are added to queries and keys."""
        return None if self.add_to == "input" else self.position

    def carried(self, value: Tensor) -> Tensor:
        """The values, with positions if they have any of their own."""
        return self.placed(value) if self.add_to == "qkv" else value

    def placed(self, rows: Tensor) -> Tensor:
        """(B, T, H, W, D) with the positions (T, D) added."""
        return rows + self.position[:, None, None].to(rows.dtype)


_ATTENTION = TAPE.attention
