"""Every block and every form of it that the contract tests run through, by name.

16 channels are the fewest that give each half a quarter of them and still two groups of two.
"""

from collections.abc import Callable
from functools import partial

from torch import nn

from gta.blocks import (
    CGNL,
    TAPE,
    GlobalContext,
    GlobalTemporalAttention,
    GloRe,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
    decoupled_half,
)

CHANNELS = 16

Make = Callable[[int], nn.Module]  # num_frames -> block

ATTENTION: dict[str, Make] = {
    "NL": partial(NonLocal, CHANNELS),
    "NL pool before": partial(NonLocal, CHANNELS, pool="before"),
    "NL no pool": partial(NonLocal, CHANNELS, pool=None),
    "NL dot product": partial(NonLocal, CHANNELS, affinity="dot_product"),
    "SA": partial(SpatialAttention, CHANNELS),
    "SA pool before": partial(SpatialAttention, CHANNELS, pool="before"),
    "TA": partial(TemporalAttention, CHANNELS),
}
PEERS: dict[str, Make] = {
    "CGNL": partial(CGNL, CHANNELS, groups=2),
    "CGNL rbf": partial(CGNL, CHANNELS, groups=2, kernel="rbf"),
    "GC": partial(GlobalContext, CHANNELS, width=8),
    "GC average": partial(GlobalContext, CHANNELS, width=8, pooling="average"),
    "GloRe": partial(GloRe, CHANNELS),
    "GloRe normalized": partial(GloRe, CHANNELS, normalize=True),
    "CGNL in space": partial(decoupled_half, CGNL, "space", CHANNELS, groups=2),
    "CGNL in time": partial(decoupled_half, CGNL, "time", CHANNELS, groups=2),
    "GC in space": partial(decoupled_half, GlobalContext, "space", CHANNELS, width=8),
    "GC in time": partial(decoupled_half, GlobalContext, "time", CHANNELS, width=8),
    "GloRe in space": partial(decoupled_half, GloRe, "space", CHANNELS),
    "GloRe in time": partial(decoupled_half, GloRe, "time", CHANNELS),
}
ORDER_BLIND = ATTENTION | PEERS
ORDER_AWARE: dict[str, Make] = {
    "TAPE": partial(TAPE, CHANNELS),
    "TAPE two groups": partial(TAPE, CHANNELS, groups=2),
    "TAPE sinusoidal": partial(TAPE, CHANNELS, position="sinusoidal"),
    "TAPE in values": partial(TAPE, CHANNELS, add_to="qkv", position_std=1.0),
    "TAPE in the input": partial(TAPE, CHANNELS, groups=2, add_to="input"),
    "GTA": partial(GlobalTemporalAttention, CHANNELS, groups=2),
    "GTA one group": partial(GlobalTemporalAttention, CHANNELS, groups=1),
    "GTA pixel": partial(GlobalTemporalAttention, CHANNELS, groups=2, region=False),
    "GTA region": partial(GlobalTemporalAttention, CHANNELS, groups=2, pixel=False),
    "GTA softmax over positions": partial(
        GlobalTemporalAttention, CHANNELS, groups=2, assignment="softmax_positions"
    ),
    "GTA no normalization": partial(GlobalTemporalAttention, CHANNELS, groups=2, assignment="none"),
    "GTA three heads": partial(GlobalTemporalAttention, CHANNELS, groups=2, heads=3),
    "GTA learned regions": partial(
        GlobalTemporalAttention, CHANNELS, groups=2, region_grid=(4, 5), assignment="none"
    ),
}
ALL = ORDER_BLIND | ORDER_AWARE
