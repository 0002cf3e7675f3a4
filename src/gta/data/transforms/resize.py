"""Frames resized as torchvision does it, to the last bit, without importing torchvision.

The import takes seconds, a large part of what `gta predict` takes on one clip.
"""

import platform

import torch
from torch import Tensor
from torch.nn.functional import interpolate

Resize = tuple[int, int] | int | None
"""Exactly (height, width), or the short side in pixels, or None: not at all."""
_MOST = 2**24
"""Pixels that a frame may grow to: one of 1x100,000 pixels would fill the memory."""


def resize_frames(frames: Tensor, resize: Resize) -> Tensor:
    """Resizes uint8 (T, C, H, W), antialiased bilinear; does nothing to frames of that size.

    Raises:
        ValueError: They are so narrow that they would fill the memory.
    """
    if resize is None:
        return frames
    if isinstance(resize, tuple):
        return resize_to(frames, *resize)
    height, width = frames.shape[-2:]
    long = int(resize * max(height, width) / min(height, width))
    if resize * long > max(_MOST, height * width):
        raise ValueError(
            f"frames of {width}x{height} pixels are too narrow: they would become {long:,} long"
        )
    return resize_to(frames, *((resize, long) if height <= width else (long, resize)))


def resize_to(frames: Tensor, height: int, width: int) -> Tensor:
    """Resizes uint8 (T, C, H, W) to exactly that height and width."""
    if frames.shape[-2:] == (height, width):
        return frames
    whole = frames if _in_integers(frames) else frames.float()
    resized = interpolate(
        whole, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )
    return resized if resized.dtype == frames.dtype else resized.round_().to(frames.dtype)


def _in_integers(frames: Tensor) -> bool:
    """Whether this machine has a fast kernel for uint8; its last bit may differ from float32's."""
    if frames.device.type != "cpu":
        return False
    known = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    return known or platform.machine() in ("aarch64", "arm64")
