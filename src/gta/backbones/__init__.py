"""Networks into which blocks are inserted."""

from gta.backbones.clip_head import ClipHead
from gta.backbones.folded import fold_norms
from gta.backbones.frame_resnet import FrameResNet
from gta.backbones.frame_wise import FrameWise
from gta.backbones.head_ensemble import HeadEnsemble
from gta.backbones.inserted import BlockFactory, with_fitting_groups
from gta.backbones.named_network import create_network
from gta.backbones.slow_fast import SlowFast
from gta.backbones.trunk import TrunkNetwork

__all__ = [
    "BlockFactory",
    "ClipHead",
    "FrameResNet",
    "FrameWise",
    "HeadEnsemble",
    "SlowFast",
    "TrunkNetwork",
    "create_network",
    "fold_norms",
    "with_fitting_groups",
]
