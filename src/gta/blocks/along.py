"""Decoupling as composition (section 3.2 of the paper): any block, run within frames or along time.

Axes: B batch, C channels, T frames, H, W.
"""

from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

from gta.blocks.features import require_feature
from gta.blocks.non_local import NonLocal


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

    Maps (B, C, T, H, W) to the same shape. The block sees (B*T, C, 1, H, W), so one that was built
    to mix several frames (it has a `num_frames`) is refused.
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
