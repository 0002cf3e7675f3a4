"""The decoupled non-local block: DNL = [SpatialAttention, TemporalAttention] (section 3.2)."""

from gta.blocks.along import AlongSpace, AlongTime
from gta.blocks.non_local import NonLocal, Pool
from gta.blocks.options import width_of


def SpatialAttention(
    channels: int,
    num_frames: int,
    *,
    width: int | None = None,
    pool: Pool | None = "after",
    scale: bool = True,
) -> AlongSpace:
    """Self-attention within each frame (SA): `AlongSpace(NonLocal)`, width C/4 by default."""
    width = width_of(channels, 4, width)
    return AlongSpace(NonLocal(channels, num_frames, width=width, pool=pool, scale=scale))


def TemporalAttention(
    channels: int, num_frames: int, *, width: int | None = None, scale: bool = True
) -> AlongTime:
    """Self-attention along time per position (TA): `AlongTime(NonLocal)`, width C/4 by default."""
    width = width_of(channels, 4, width)
    return AlongTime(NonLocal(channels, num_frames, width=width, pool=None, scale=scale))
