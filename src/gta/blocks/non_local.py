"""Self-attention over all positions of a clip (section 3.1 of the paper).

Axes: B batch, C channels, T frames, H, W, D width of the block, N = T*H*W queries, S keys (N, or
N/4 when pooled).
"""

from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn.functional import pad

from gta.blocks.features import (
    Projection,
    from_rows,
    pool_rows,
    require_feature,
    to_rows,
    zero_norm,
)
from gta.blocks.fused.add_normalized import add_normalized
from gta.blocks.fused.attend_frames import attend_frames
from gta.blocks.fused.parts import is_own
from gta.blocks.fused.products import ALIGNED, project
from gta.blocks.options import require_option, width_of

Pool = Literal["before", "after"]
Affinity = Literal["softmax", "dot_product"]


def aligned(key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Keys and values (B, S, D) with others of no weight, so that rows of M are aligned; a mask."""
    short = -key.shape[1] % ALIGNED
    mask = pad(key.new_zeros(key.shape[1]), (0, short), value=float("-inf"))
    return pad(key, (0, 0, 0, short)), pad(value, (0, 0, 0, short)), mask


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
        self.query = Projection(channels, width)  # W_Q
        self.key = Projection(channels, width)  # W_K
        self.value = Projection(channels, width)  # W_V
        self.output = Projection(width, channels)  # W_O
        self.norm = zero_norm(channels)
        self.channels, self.pool = channels, pool
        self.affinity = affinity
        self.scale = width**-0.5 if scale else 1.0

    def weights(self, query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
        """The matrix M of Eq. 2, (B, N, S), from queries (B, N, D) and keys (B, S, D).

        `mask` (S,) is added to the scores before their softmax.
        """
        if self.affinity == "dot_product":
            return query @ key.transpose(1, 2) / key.shape[1]
        scores = query @ (key * self.scale).transpose(1, 2)  # keys are few where they are pooled
        scores = scores if mask is None else scores + mask
        return scores.softmax(dim=-1, dtype=scores.dtype)

    def project(self, x: Tensor) -> list[Tensor]:
        """The rows of x, and their queries, keys and values, (B, T, H, W, D), pooled."""
        require_feature(x, self.channels)
        if self.pool == "before":
            rows, query = project(to_rows(x), self.query)
            _, *pairs = project(pool_rows(rows), self.key, self.value)
            return [rows, query, *pairs]
        rows, query, *pairs = project(to_rows(x), self.query, self.key, self.value)
        return [rows, query, *(map(pool_rows, pairs) if self.pool else pairs)]

    def attention(self, x: Tensor) -> Tensor:
        """The matrix M of Eq. 2 as (B, N, S): a row for each query, in the order t, h, w."""
        _, query, key, _ = self.project(x)  # Eq. 1
        return self.weights(query.flatten(1, 3), key.flatten(1, 3))  # Eq. 2

    def forward(self, x: Tensor, *, along_time: bool = False) -> Tensor:
        """`along_time`: of each position by itself; see `AlongTime`."""
        rows, query, key, value = self.project(x)  # Eq. 1
        if along_time:
            attended = attend_frames(query, key, value, scale=self.scale)  # Eq. 2, Eq. 3
        else:
            query, key, value = (part.flatten(1, 3) for part in (query, key, value))
            mask = None
            if not is_own(self, "attention", _ATTENTION):
                weights = self.attention(x)
            else:
                if query.is_cuda and self.affinity == "softmax":
                    key, value, mask = aligned(key, value)
                weights = self.weights(query, key, mask)  # Eq. 2
            attended = (weights @ value).unflatten(1, rows.shape[1:4])  # Eq. 3
        y = add_normalized(rows, (attended, self.output, self.norm))  # Eq. 4
        return from_rows(y, like=x)

    def goes_along_time(self) -> bool:
        """Whether `forward` can attend along time itself: by its own softmax, without pooling."""
        own = is_own(self, "attention", _ATTENTION) and is_own(self, "weights", _WEIGHTS)
        known = is_own(self, "forward", _FORWARD) and is_own(self, "project", _PROJECT)
        return own and known and self.affinity == "softmax" and self.pool is None


_ATTENTION, _WEIGHTS = NonLocal.attention, NonLocal.weights
_FORWARD, _PROJECT = NonLocal.forward, NonLocal.project
