"""The blocks of the paper's section 3, and those that it compares with in Table 3.

Each is made as `Block(channels, num_frames, *, ...)` and maps a feature (B, C, T, H, W) to the same
shape, residual included.

Eq. 1-4 are in `non_local.py`, section 3.2 in `along.py` and `decoupled.py`, Eq. 5 in `gta.py`, Eq.
6-8 in `channel_groups.py`.
"""

from gta.blocks.cgnl import CGNL
from gta.blocks.decoupled import SpatialAttention, TemporalAttention, decoupled_half
from gta.blocks.global_context import GlobalContext
from gta.blocks.glore import GloRe
from gta.blocks.gta import GlobalTemporalAttention
from gta.blocks.non_local import AlongSpace, AlongTime, NonLocal
from gta.blocks.tape import TAPE

__all__ = [
    "CGNL",
    "TAPE",
    "AlongSpace",
    "AlongTime",
    "GloRe",
    "GlobalContext",
    "GlobalTemporalAttention",
    "NonLocal",
    "SpatialAttention",
    "TemporalAttention",
    "decoupled_half",
]
