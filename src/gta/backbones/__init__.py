"""Networks into which blocks are inserted."""

from gta.backbones.frame_resnet import FrameResNet
from gta.backbones.inserted import BlockFactory
from gta.backbones.slow_fast import SlowFast

__all__ = ["BlockFactory", "FrameResNet", "SlowFast"]
