"""Decoupled blocks (section 3.2): one half within each frame, then one along time.

DNL is [SpatialAttention, TemporalAttention]; the second row of Table 3 is the same with CGNL, GCNet
and GloRe in the place of the non-local block.
"""

from typing import Literal

from gta.blocks.cgnl import CGNL
from gta.blocks.global_context import GlobalContext
from gta.blocks.glore import GloRe
from gta.blocks.non_local import AlongSpace, AlongTime, NonLocal, Pool
from gta.blocks.options import width_of

Along = Literal["space", "time"]

HALF: dict[type[CGNL] | type[GlobalContext] | type[GloRe], dict[str, int]] = {
    CGNL: {"width": 4},
    GlobalContext: {"width": 32},
    GloRe: {"states": 4, "nodes": 8},
}
"""Channels over the widths of a half: twice what they are in the joint form, C/2 to C/4."""


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


def decoupled_half(
    block: type[CGNL] | type[GlobalContext] | type[GloRe],
    along: Along,
    channels: int,
    num_frames: int,
    **options,
) -> AlongSpace | AlongTime:
    """One half of a decoupled block: within each frame ("space"), or at each position ("time").

    Args:
        block: The class.
        along: Which half.
        channels: C.
        num_frames: T.
        **options: Of the class. Widths are half of its own defaults unless given.
    """
    for name, share in HALF[block].items():
        options[name] = width_of(channels, share, options.get(name))
    wrapper = {"space": AlongSpace, "time": AlongTime}[along]
    return wrapper(block(channels, num_frames, **options))
