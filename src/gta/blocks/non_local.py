"""Self-attention over the positions of a clip: all at once, within frames, along time.

`NonLocal` is joint attention (section 3.1 of the paper). Decoupling is composition (section 3.2):
any block, run within frames by `AlongSpace` or at each position by `AlongTime`.

Axes: B batch, C channels, T frames, H, W, D width of the block, N = T*H*W queries, S keys (N, or
N/4 when pooled).
"""

from collections.abc import Callable
from typing import Literal, cast, get_args

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
    """Non-local block (NL): every pixel of the clip attends to every other pixel, Eq. 1-4.

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


def require_feature_of(block: nn.Module, x: Tensor) -> None:
    """Raise unless x (B, C, T, H, W) is a feature for this block, where it tells its channels."""
    channels = getattr(block, "channels", None)
    if isinstance(channels, int):
        require_feature(x, channels)


def attention_of(block: nn.Module) -> Callable[[Tensor], Tensor]:
    """The block's method that computes its attention."""
    if not hasattr(block, "attention"):
        raise AttributeError(
            f"the wrapped {type(block).__name__} has no attention(x): wrap a block that "
            f"computes one from its input, such as NonLocal"
        )
    return cast(Callable[[Tensor], Tensor], block.attention)


class AlongSpace(nn.Module):
    """Runs a block within each frame: frames become samples of the batch.

    Maps (B, C, T, H, W) to the same shape. The block sees (B*T, C, 1, H, W), so a block that was
    built to mix several frames (it has a `num_frames`) is refused.
    """

    def __init__(self, block: nn.Module):
        super().__init__()
        for part in block.modules():
            if getattr(part, "num_frames", 1) != 1:
                raise ValueError(
                    f"AlongSpace gives its block one frame at a time, but {type(part).__name__} "
                    f"was built to mix {part.num_frames}: use it without AlongSpace"
                )
        self.block = block

    @staticmethod
    def fold(x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B*T, C, 1, H, W)."""
        return x.transpose(1, 2).flatten(0, 1).unsqueeze(2)

    def attention(self, x: Tensor) -> Tensor:
        """The block's attention within each frame, (B, T, H*W, keys)."""
        return attention_of(self.block)(self.fold(x)).unflatten(0, (x.shape[0], x.shape[2]))

    def forward(self, x: Tensor) -> Tensor:
        require_feature_of(self.block, x)
        frames = self.block(self.fold(x))
        return frames.squeeze(2).unflatten(0, (x.shape[0], x.shape[2])).transpose(1, 2)


class AlongTime(nn.Module):
    """Runs a block along time at each position: positions become samples of the batch.

    Maps (B, C, T, H, W) to the same shape. The block sees (B*H*W, C, T, 1, 1), so it must not pool
    over space.
    """

    def __init__(self, block: nn.Module):
        super().__init__()
        for part in block.modules():
            if isinstance(part, NonLocal) and part.pool is not None:
                raise ValueError(
                    f"AlongTime gives its block one position at a time, so there is nothing to "
                    f"pool: got pool={part.pool!r}, pass pool=None"
                )
        self.block = block

    @staticmethod
    def fold(x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B*H*W, C, T, 1, 1)."""
        return x.permute(0, 3, 4, 1, 2).flatten(0, 2)[..., None, None]

    def attention(self, x: Tensor) -> Tensor:
        """The block's attention along time at each position, (B, H*W, T, T)."""
        return attention_of(self.block)(self.fold(x)).unflatten(0, (x.shape[0], -1))

    def forward(self, x: Tensor) -> Tensor:
        block = self.block
        require_feature_of(block, x)
        if isinstance(block, NonLocal) and block.goes_along_time():
            return block(x, along_time=True)  # the same, without a copy of x in another order
        B, C, T, H, W = x.shape
        columns = block(self.fold(x))
        return columns.reshape(B, H, W, C, T).permute(0, 3, 4, 1, 2)
