"""Self-attention over all positions of a clip (section 3.1 of the paper).

Axes: B batch, C channels, T frames, H, W, D width of the block, N = T*H*W queries, S keys (N, or
N/4 when pooled).
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool3d, pad

from gta.blocks.frame_attention import attend_frames
from gta.blocks.normalised_sum import add_normalised, normalise_shares
from gta.blocks.options import require_option, width_of
from gta.blocks.shares import ALIGNED, attention_shares
from gta.blocks.tokens import from_tokens, joined, pool_tokens, project, takes_tokens, to_tokens
from gta.blocks.wide_sum import wide_sum
from gta.blocks.zero_norm import zero_norm

Pool = Literal["before", "after"]
Affinity = Literal["softmax", "dot_product"]


def pool_frames(x: Tensor) -> Tensor:
    """Max-pool 1x2x2; an axis of length 1 is left as it is."""
    return max_pool3d(x, (1, *(min(2, length) for length in x.shape[3:])))


class NonLocal(nn.Module):
    """Non-local block (NL): every pixel of the clip attends to every other one, Eq. 1-4.

    Maps (B, C, T, H, W) to the same shape for any T, H and W. Frames are treated as a set:
    permuting them permutes the output.

    Wang et al., "Non-local Neural Networks", CVPR 2018. Checked against `NONLocalBlock3D` of the
    TSM repository (`pool="after", scale=False`), `Nonlocal` of PySlowFast (`pool="before"`, either
    affinity) and `SpatialNL` of CGNL's authors (`pool=None`).

    Args:
        channels: C.
        num_frames: Not used, since no parameter has a temporal axis; every block takes it.
        width: D, channels of query, key and value; C/2 unless given.
        pool: Max-pool keys and values 1x2x2 before or after their projections, or not at all
            (None).
        scale: Divide the dot products by sqrt(D) as Eq. 2 does. Only with softmax.
        affinity: "softmax", or "dot_product": divided by the number of keys in the place of a
            softmax.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        width: int | None = None,
        pool: Pool | None = "after",
        scale: bool = True,
        affinity: Affinity = "softmax",
    ):
        super().__init__()
        require_option("pool", pool, (*get_args(Pool), None))
        require_option("affinity", affinity, get_args(Affinity))
        width = width_of(channels, 2, width)
        self.query = nn.Conv3d(channels, width, 1)  # W_Q
        self.key = nn.Conv3d(channels, width, 1)  # W_K
        self.value = nn.Conv3d(channels, width, 1)  # W_V
        self.output = nn.Conv3d(width, channels, 1)  # W_O
        self.norm = zero_norm(channels)
        self.pool = pool
        self.affinity = affinity
        self.scale = width**-0.5 if scale else 1.0

    def weights(self, query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
        """The matrix M of Eq. 2, (B, N, S), from queries (B, N, D) and keys (B, S, D).

        `mask` (S,) is added to the scores before their softmax.
        """
        if self.affinity == "dot_product":
            return query @ key.transpose(1, 2) / key.shape[1]
        scores = query @ (key * self.scale).transpose(1, 2)  # keys are few where they are pooled
        return (scores if mask is None else scores + mask).softmax(dim=-1)

    def project_pooled(self, projection: nn.Module, x: Tensor) -> Tensor:
        """K or V as (B, D, S)."""
        if self.pool == "before":
            x = pool_frames(x)
        x = projection(x)
        if self.pool == "after":
            x = pool_frames(x)
        return x.flatten(2)

    def attention(self, x: Tensor) -> Tensor:
        """The matrix M of Eq. 2 as (B, N, S): a row for each query, in the order t, h, w."""
        query = self.query(x).flatten(2)  # Eq. 1
        key = self.project_pooled(self.key, x)  # Eq. 1
        return self.weights(query.transpose(1, 2), key.transpose(1, 2))  # Eq. 2

    def forward(self, x: Tensor) -> Tensor:
        if takes_tokens(x, [self.norm]):
            with torch.autocast(x.device.type, enabled=False):
                return self.forward_tokens(x)
        value = self.project_pooled(self.value, x)  # Eq. 1
        attended = value @ self.attention(x).transpose(1, 2)  # Eq. 3, transposed: (B, D, N)
        return x + self.norm(self.output(attended.unflatten(2, x.shape[2:])))  # Eq. 4

    def forward_tokens(self, x: Tensor) -> Tensor:
        """The same by matrix products alone; see `gta.blocks.tokens` and `gta.blocks.shares`."""
        T, H, W = x.shape[2:]
        window = (min(2, H), min(2, W)) if self.pool else (1, 1)
        num_keys = (H // window[0]) * (W // window[1])
        # in training also because shares are all that it keeps
        few = num_keys <= self.query.out_channels * (2 if self.norm.training else 1)
        if T == 1 and few and self.affinity == "softmax" and self.pool != "before":
            return self.forward_shares(x, window)
        width = self.query.out_channels
        tokens = to_tokens(x)
        if self.pool == "before":
            _, pairs = project(pool_tokens(tokens, x), self.key, self.value)  # Eq. 1
            tokens, query = project(tokens, self.query)
        else:
            tokens, wide = project(tokens, self.query, self.key, self.value)  # Eq. 1
            query, pairs = wide.split([width, 2 * width], dim=1)
            if self.pool == "after":
                pairs = pool_tokens(pairs, x)
        pairs = pairs.unflatten(0, (len(x), -1))
        mask = None
        if self.affinity == "softmax" and (short := -pairs.shape[1] % ALIGNED):
            mask = pad(x.new_zeros(pairs.shape[1]), (0, short), value=float("-inf"))
            pairs = pad(pairs, (0, 0, 0, short))  # keys of no weight, so that rows are aligned
        key, value = pairs.split(width, dim=2)
        shares = self.weights(query.unflatten(0, (len(x), -1)), key, mask)  # Eq. 2
        attended = (shares @ value).flatten(0, 1)  # Eq. 3
        y = add_normalised(tokens, attended, self.output, self.norm)  # Eq. 4
        return from_tokens(y, x)

    def attends_frames(self, x: Tensor) -> bool:
        """Whether attention along time of x goes by `forward_frames`."""
        return self.affinity == "softmax" and takes_tokens(x, [self.norm])

    def forward_frames(self, x: Tensor) -> Tensor:
        """Attention along time at each position, by matrix products; what `AlongTime` runs."""
        B, _, T, H, W = x.shape
        tokens, wide = project(to_tokens(x), self.query, self.key, self.value)  # Eq. 1
        attended = attend_frames(wide.unflatten(0, (B, T, H * W)), scale=self.scale)  # Eq. 2, Eq. 3
        y = add_normalised(tokens, attended.flatten(0, 2), self.output, self.norm)  # Eq. 4
        return from_tokens(y, x)

    def forward_shares(self, x: Tensor, window: tuple[int, int]) -> Tensor:
        """The same for single frames (T = 1) with few keys, without queries and attended values."""
        tokens = to_tokens(x).unflatten(0, (len(x), -1))
        query, pairs = joined(self.query), joined(self.key, self.value)
        tokens, shares, value = attention_shares(
            tokens,
            (query[0].to(x.dtype), query[1].to(x.dtype)),
            (pairs[0].to(x.dtype), pairs[1].to(x.dtype)),
            scale=self.scale,
            size=(x.shape[3], x.shape[4]),
            window=window,
        )  # Eq. 1, Eq. 2
        spread, bias = normalise_shares(shares, value, self.output, self.norm, sum_to_one=True)
        y = wide_sum(tokens, frames=(shares, spread + bias.to(x.dtype)))  # Eq. 3, Eq. 4
        return from_tokens(y.flatten(0, 1), x)
