"""Networks into which blocks are inserted."""

from gta.backbones.frame_resnet import FrameResNet

__all__ = ["FrameResNet"]
