"""The named architectures, numbers only, and the place where a recipe's names become classes."""

from functools import partial

from torch import nn

from gta.backbones import FrameResNet
from gta.blocks import (
    TAPE,
    GlobalTemporalAttention,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
)
from gta.config import (
    Architecture,
    GlobalTemporalAttentionBlock,
    NonLocalBlock,
    SpatialAttentionBlock,
    Stage,
    TAPEBlock,
    TemporalAttentionBlock,
)

BLOCKS = {
    "nl": NonLocal,
    "sa": SpatialAttention,
    "ta": TemporalAttention,
    "tape": TAPE,
    "gta": GlobalTemporalAttention,
}
"""The names of blocks in recipes."""

NL = NonLocalBlock(block="nl")
SA = SpatialAttentionBlock(block="sa")
TA = TemporalAttentionBlock(block="ta")
PE = TAPEBlock(block="tape")
GTA = GlobalTemporalAttentionBlock(block="gta")

FIVE: dict[Stage, tuple[int, ...]] = {"res3": (1, 3), "res4": (1, 3, 5)}
"""Section 4.2: two places in res3 and three in res4, after every other residual block."""
THREE: dict[Stage, tuple[int, ...]] = {"res3": (1,), "res4": (0, 1)}
TINY: dict[Stage, tuple[int, ...]] = {"res3": (0,), "res4": (0,)}

MODELS: dict[str, Architecture] = {
    # Tables 1 and 2b
    "r2d50": Architecture(depth=50),
    "r2d50_nl": Architecture(depth=50, blocks=(NL,), placement=FIVE),
    "r2d50_sa": Architecture(depth=50, blocks=(SA,), placement=FIVE),
    "r2d50_ta": Architecture(depth=50, blocks=(TA,), placement=FIVE),
    "r2d50_dnl": Architecture(depth=50, blocks=(SA, TA), placement=FIVE),
    "r2d50_tape": Architecture(depth=50, blocks=(SA, PE), placement=FIVE),
    "r2d50_gta": Architecture(depth=50, blocks=(SA, GTA), placement=FIVE),
    # Table 5
    "tsm50": Architecture(depth=50, tsm=True),
    "tsm50_gta": Architecture(depth=50, tsm=True, blocks=(SA, GTA), placement=FIVE),
    # Small ones: own videos on a modest machine, and the quickstart
    "r2d18": Architecture(depth=18),
    "r2d18_gta": Architecture(depth=18, blocks=(SA, GTA), placement=THREE),
    "tiny": Architecture(depth=10, width=16, dropout=0),
    "tiny_dnl": Architecture(depth=10, width=16, dropout=0, blocks=(SA, TA), placement=TINY),
    "tiny_gta": Architecture(depth=10, width=16, dropout=0, blocks=(SA, GTA), placement=TINY),
}


def build(architecture: Architecture, *, num_classes: int, num_frames: int) -> nn.Module:
    """The network of an architecture, for clips (B, 3, T, H, W) with T = num_frames.

    Raises:
        ValueError: The parts do not fit together, such as groups that do not divide a width.
    """
    factories = [
        partial(BLOCKS[block.block], **block.model_dump(exclude={"block"}))
        for block in architecture.blocks
    ]
    return FrameResNet(
        architecture.depth,
        num_classes=num_classes,
        num_frames=num_frames,
        width=architecture.width,
        tsm=architecture.tsm,
        dropout=architecture.dropout,
        blocks=factories,
        placement={**architecture.placement},
    )
