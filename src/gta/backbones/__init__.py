"""Networks into which blocks are inserted."""

from gta.backbones.folded import fold_norms
from gta.backbones.frame_resnet import FrameResNet
from gta.backbones.frame_wise import FrameWise
from gta.backbones.inserted import BlockFactory
from gta.backbones.named_network import create_network
from gta.backbones.slow_fast import SlowFast

__all__ = ["BlockFactory", "FrameResNet", "FrameWise", "SlowFast", "create_network", "fold_norms"]
