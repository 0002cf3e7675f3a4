"""The named architectures, numbers only, and the mapping from a recipe's names to classes."""

from functools import partial

from torch import nn

from gta.backbones import (
    BlockFactory,
    ClipHead,
    FrameResNet,
    FrameWise,
    HeadEnsemble,
    SlowFast,
    TrunkNetwork,
    create_network,
    with_fitting_groups,
)
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
from gta.config import (
    Block,
    CGNLBlock,
    FrameResNetModel,
    FrameWiseModel,
    GlobalContextBlock,
    GlobalTemporalAttentionBlock,
    GloReBlock,
    Model,
    Network,
    NonLocalBlock,
    Placement,
    SlowFastModel,
    SpatialAttentionBlock,
    TAPEBlock,
    TemporalAttentionBlock,
    TrunkModel,
)

BLOCKS = {
    "nl": NonLocal,
    "sa": SpatialAttention,
    "ta": TemporalAttention,
    "tape": TAPE,
    "gta": GlobalTemporalAttention,
    "cgnl": CGNL,
    "gc": GlobalContext,
    "glore": GloRe,
}
"""The names of blocks in recipes."""

NL = NonLocalBlock(block="nl")
SA = SpatialAttentionBlock(block="sa")
TA = TemporalAttentionBlock(block="ta")
PE = TAPEBlock(block="tape")
GTA = GlobalTemporalAttentionBlock(block="gta")
# pooled before the projections, as PySlowFast does
NL_BEFORE = NonLocalBlock(block="nl", pool="before")
SA_BEFORE = SpatialAttentionBlock(block="sa", pool="before")
NL_UNSCALED = NonLocalBlock(block="nl", scale=False)  # the TSM repository's


def gta(groups: int = 8, *, pixel: bool = True, region: bool = True) -> Block:
    """A form of GTA of Table 2a or Figure 5."""
    return GlobalTemporalAttentionBlock(block="gta", groups=groups, pixel=pixel, region=region)


FIVE: Placement = {"res3": (1, 3), "res4": (1, 3, 5)}
"""Section 4.2: two places in res3 and three in res4, after every other residual block."""
R101: Placement = {"res4": (6, 13, 20)}
"""PySlowFast's three places in res4 of SlowFast-R101."""
LAST_MAP = "blocks.6"
"""Of EfficientNet-Lite as timm names it."""
EVEN: Placement = {"res3": (0, 2), "res4": (0, 2, 4)}
"""The places of the TSM repository's non-local network."""


def r2d50(*blocks: Block, placement: Placement = FIVE) -> FrameResNetModel:
    """R2D-50 with blocks."""
    return FrameResNetModel(blocks=blocks, placement=placement if blocks else {})


def tsm50(*blocks: Block) -> FrameResNetModel:
    """TSM-R50 with blocks."""
    return FrameResNetModel(tsm=True, blocks=blocks, placement=FIVE if blocks else {})


def slowfast50(*blocks: Block) -> SlowFastModel:
    """SlowFast-R50 with blocks."""
    return SlowFastModel(blocks=blocks, placement=FIVE if blocks else {})


def slowfast101(*blocks: Block) -> SlowFastModel:
    """SlowFast-R101 (101-101-101) with blocks."""
    placement = R101 if blocks else {}
    return SlowFastModel(depth=101, fusion_kernel=5, blocks=blocks, placement=placement)


def r2d18(*blocks: Block) -> FrameResNetModel:
    """R2D-18 with blocks."""
    placement: Placement = {"res3": (1,), "res4": (0, 1)}
    return FrameResNetModel(depth=18, blocks=blocks, placement=placement if blocks else {})


def tiny(*blocks: Block) -> FrameResNetModel:
    """A network for two CPU cores, with blocks."""
    placement: Placement = {"res3": (0,), "res4": (0,)}
    return FrameResNetModel(
        depth=10, width=16, dropout=0, blocks=blocks, placement=placement if blocks else {}
    )


def lite(number: int, *blocks: Block) -> TrunkModel:
    """EfficientNet-Lite up to its last feature map, and a head with blocks, for own videos."""
    return TrunkModel(network=f"lite{number}", after=LAST_MAP, blocks=blocks)


def causal_form(model: FrameResNetModel | FrameWiseModel | TrunkModel) -> Model:
    """The form of a network for streams: see `gta.backbones.stream`."""
    return model.model_copy(update={"causal": True})


def halves(block: CGNLBlock | GlobalContextBlock | GloReBlock) -> tuple[Block, Block]:
    """The decoupled form of a block: within frames, then along time (Table 3)."""
    return (
        block.model_copy(update={"along": "space"}),
        block.model_copy(update={"along": "time"}),
    )


CG = CGNLBlock(block="cgnl")
GC = GlobalContextBlock(block="gc")
GR = GloReBlock(block="glore")

C2D = FrameResNetModel(temporal_pool=True, window=7)  # 7 positions: 224 pixels

MODELS: dict[str, Model] = {
    # Tables 1 and 2b
    "r2d50": r2d50(),
    "r2d50_nl": r2d50(NL),
    "r2d50_sa": r2d50(SA),
    "r2d50_ta": r2d50(TA),
    "r2d50_dnl": r2d50(SA, TA),
    "r2d50_tape": r2d50(SA, PE),
    "r2d50_gta": r2d50(SA, GTA),
    "slowfast50": slowfast50(),
    "slowfast50_nl": slowfast50(NL_BEFORE),
    "slowfast50_dnl": slowfast50(SA_BEFORE, TA),
    "slowfast50_gta": slowfast50(SA_BEFORE, GTA),
    # Table 2a
    "r2d50_gta_pixel": r2d50(SA, gta(region=False)),
    "r2d50_gta_region": r2d50(SA, gta(pixel=False)),
    "r2d50_gta_pixel_g1": r2d50(SA, gta(1, region=False)),
    "r2d50_gta_region_g1": r2d50(SA, gta(1, pixel=False)),
    # Figure 5, and Table 2a for one group
    **{f"r2d50_gta_g{groups}": r2d50(SA, gta(groups)) for groups in (1, 2, 4, 16, 32)},
    # Table 2c
    "r2d50_gta_res3": r2d50(SA, GTA, placement={"res3": (1,)}),
    "r2d50_gta_res4": r2d50(SA, GTA, placement={"res4": (1,)}),
    "r2d50_gta_res5": r2d50(SA, GTA, placement={"res5": (1,)}),
    "r2d50_gta_res3_res4": r2d50(SA, GTA, placement={"res3": (1,), "res4": (1,)}),
    # Table 3
    "r2d50_cgnl": r2d50(CG),
    "r2d50_cgnl_decoupled": r2d50(*halves(CG)),
    "r2d50_gc": r2d50(GC),
    "r2d50_gc_decoupled": r2d50(*halves(GC)),
    "r2d50_glore": r2d50(GR),
    "r2d50_glore_decoupled": r2d50(*halves(GR)),
    # Table 7: without spatial attention, and TAPE with channel groups
    "r2d50_tape_alone": r2d50(PE),
    "r2d50_tape_alone_g8": r2d50(TAPEBlock(block="tape", groups=8)),
    "r2d50_tape_g8": r2d50(SA, TAPEBlock(block="tape", groups=8)),
    "r2d50_gta_pixel_alone": r2d50(gta(region=False)),
    "r2d50_gta_pixel_alone_g1": r2d50(gta(1, region=False)),
    # Table 4
    "k400_r2d50_nl": r2d50(NL_BEFORE),
    "k400_r2d50_gta": r2d50(SA_BEFORE, GTA),
    "slowfast101": slowfast101(),
    "slowfast101_nl": slowfast101(NL_BEFORE),
    "slowfast101_gta": slowfast101(SA_BEFORE, GTA),
    # Table 5
    "tsm50": tsm50(),
    "tsm50_gta": tsm50(SA, GTA),
    # Public Kinetics networks: PySlowFast's C2D and SlowFast, and TSM's
    "c2d50": C2D,
    "c2d50_nl": C2D.model_copy(update={"blocks": (NL_BEFORE,), "placement": FIVE}),
    "k400_slowfast50": SlowFastModel(window=7),
    "tsm50_nl": FrameResNetModel(tsm=True, blocks=(NL_UNSCALED,), placement=EVEN),
    # Small networks: own videos on a modest machine, and the quickstart
    "r2d18": r2d18(),
    "r2d18_gta": r2d18(SA, GTA),
    "convnext_tiny_gta": FrameWiseModel(
        network="torchvision/convnext_tiny",
        blocks=(SA, GTA),
        at=("features.3.2", "features.5.2", "features.5.5", "features.5.8"),
    ),
    "lite0": lite(0),
    "lite0_nl": lite(0, NL),
    "lite0_dnl": lite(0, SA, TA),
    "lite0_tape": lite(0, SA, PE),
    "lite0_gta": lite(0, SA, GTA),
    "lite1": lite(1),
    "lite1_gta": lite(1, SA, GTA),
    "lite2": lite(2),
    "lite2_gta": lite(2, SA, GTA),
    "tiny": tiny(),
    "tiny_dnl": tiny(SA, TA),
    "tiny_gta": tiny(SA, GTA),
    # Streams
    "r2d50_gta_causal": causal_form(r2d50(SA, GTA)),
    "tsm50_gta_causal": causal_form(tsm50(SA, GTA)),
    "lite0_gta_causal": causal_form(lite(0, SA, GTA)),
    "tiny_gta_causal": causal_form(tiny(SA, GTA)),
}


def factory(block: Block, *, fit: bool = False, causal: bool = False) -> BlockFactory:
    """Makes the block of a recipe from (channels, num_frames).

    Args:
        block: The block.
        fit: Groups need not divide the width: see `with_fitting_groups`.
        causal: No frame sees a later frame.
    """
    options = block.model_dump(exclude={"block", "along"})
    if causal and isinstance(block, GlobalTemporalAttentionBlock):
        options["causal"] = True
    along = getattr(block, "along", None)
    if along is not None:
        return partial(decoupled_half, BLOCKS[block.block], along, **options)
    if fit and isinstance(block, TAPEBlock | GlobalTemporalAttentionBlock):
        groups = options.pop("groups")
        return with_fitting_groups(partial(BLOCKS[block.block], **options), groups)
    return partial(BLOCKS[block.block], **options)


def build(model: Model, *, num_classes: int, num_frames: int) -> nn.Module:
    """The network of an architecture, for clips (B, 3, T, H, W) with T = num_frames.

    A network with `causal_frames` is built for so many frames, and takes clips of any length.

    Raises:
        ValueError: The parts do not fit together, such as groups that do not divide a width.
    """
    if not isinstance(model, SlowFastModel):
        num_frames = model.causal_frames or num_frames
    if isinstance(model, FrameWiseModel):
        network = create_network(model.network, num_classes=num_classes)
        made = [factory(block, fit=True, causal=model.causal) for block in model.blocks]
        return FrameWise(
            network, num_frames=num_frames, blocks=made, at=model.at, causal=model.causal
        )
    if isinstance(model, TrunkModel):
        network = create_network(model.network, num_classes=1)  # its classifier is not used
        made = [factory(block, fit=True, causal=model.causal) for block in model.blocks]
        of_trunk = {"backbone", "network", "after", "pool", "causal_frames", *Network.model_fields}
        options = model.model_dump(exclude={"heads", *of_trunk})
        head = partial(ClipHead, num_classes=num_classes, blocks=made, **options)
        if model.heads > 1:
            head = partial(HeadEnsemble, make=head, count=model.heads)
        return TrunkNetwork(
            network, head, num_frames=num_frames, after=model.after, pool=model.pool
        )
    causal = isinstance(model, FrameResNetModel) and model.causal
    blocks = [factory(block, causal=causal) for block in model.blocks]
    backbone = FrameResNet if isinstance(model, FrameResNetModel) else SlowFast
    options = model.model_dump(exclude={"backbone", "causal_frames", *Network.model_fields})
    return backbone(num_classes=num_classes, num_frames=num_frames, blocks=blocks, **options)
