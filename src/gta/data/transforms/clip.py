"""From decoded frames to the clip that a model sees: uint8 in, uint8 out, one draw for a clip.

Decoded frames are (T, C, H, W) in shape and (T, H, W, C) in memory. Leave them so until they are
resized: that is 2.6 times slower on contiguous frames. They are resized as torchvision does it, to
the last bit, without importing torchvision: the import takes seconds, a large part of what
`gta predict` takes on one clip.
"""

import platform
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gta.data.transforms.augment import Augmentation
from gta.errors import UsageError

Resize = tuple[int, int] | int | None
"""Exactly (height, width), or the short side in pixels, or None: not at all."""
_MOST = 2**24
"""Pixels that a frame may grow to: one of 1x100,000 pixels would fill the memory."""
NOTHING = Augmentation()


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


def cut(frames: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """The part of (T, C, H, W) that starts at (top, left); it must be within the frames."""
    return frames[..., top : top + height, left : left + width]


def crop_sizes(
    height: int, width: int, size: int, scales: Sequence[float]
) -> list[tuple[int, int]]:
    """The (height, width) of crops to draw from, as in TSN.

    Sides are `scales` times the short side; a side less than 3 pixels from `size` becomes `size`;
    the indices of a crop's two scales differ by at most 1.
    """
    short = min(height, width)
    sides = [max(int(short * scale), 1) for scale in scales]
    sides = [size if abs(side - size) < 3 else side for side in sides]
    return [(h, w) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1]


def crop_offsets(free_height: int, free_width: int) -> list[tuple[int, int]]:
    """The 13 (top, left) to draw from, as in TSN: steps of a quarter of the free space."""
    y, x = free_height // 4, free_width // 4
    steps = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]  # corners and center
    steps += [(2, 0), (2, 4), (4, 2), (0, 2)]  # middles of the sides
    steps += [(1, 1), (1, 3), (3, 1), (3, 3)]  # between the center and the corners
    return [(i * y, j * x) for i, j in steps]


class TrainTransform:
    """Fixed resize, random crop, resize to a square, flip, further augmentation.

    The crop is TSN's: one of a few sizes at one of 13 places; or, with `scale_jitter`, SlowFast's:
    as if the short side were resized to a random length, then `size` x `size` anywhere.

    Args:
        size: Height and width of the clip in pixels.
        resize: Of whole frames, before the crop; the paper: (240, 320).
        scales: Sides of TSN's crop as fractions of the short side.
        scale_jitter: Shortest and longest short side in pixels; drawn evenly in its inverse.
        augmentation: What else is changed, at the end.
    """

    def __init__(
        self,
        *,
        size: int,
        resize: Resize,
        scales: Sequence[float] = (1, 0.875, 0.75, 0.66),
        scale_jitter: tuple[int, int] | None = None,
        augmentation: Augmentation = NOTHING,
    ):
        self.size, self.resize = size, resize
        self.scales, self.scale_jitter = tuple(scales), scale_jitter
        self.augmentation = augmentation

    def __call__(self, frames: Tensor, rng: np.random.Generator, *, flip: bool = False) -> Tensor:
        """uint8 (T, C, H, W) to uint8 (C, T, size, size); mirrored left to right if `flip`."""
        return self.finish(RandomCrop(self, rng)(frames), rng, flip=flip)

    def finish(self, frames: Tensor, rng: np.random.Generator, *, flip: bool = False) -> Tensor:
        """The same of frames that are cropped already, (T, C, size, size)."""
        if flip:
            frames = frames.flip(-1)
        if self.augmentation.steps:
            frames = self.augmentation(frames, rng)
        return frames.transpose(0, 1)

    def draw_crop(
        self, height: int, width: int, rng: np.random.Generator
    ) -> tuple[int, int, int, int]:
        """(top, left, height, width) in pixels of the frame after its fixed resize."""
        if self.scale_jitter is None:
            return self.tsn_crop(height, width, rng)
        return self.jittered_crop(height, width, self.scale_jitter, rng)

    def tsn_crop(
        self, height: int, width: int, rng: np.random.Generator
    ) -> tuple[int, int, int, int]:
        """(top, left, height, width) in pixels."""
        sizes = crop_sizes(height, width, self.size, self.scales)
        h, w = sizes[rng.integers(len(sizes))]
        # a side snapped to `size` may be up to 2 pixels longer than the frame
        h, w = min(h, height), min(w, width)
        offsets = crop_offsets(height - h, width - w)
        top, left = offsets[rng.integers(len(offsets))]
        return top, left, h, w

    def jittered_crop(
        self, height: int, width: int, jitter: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, int, int, int]:
        """(top, left, height, width) in pixels of the frame before its short side is resized."""
        shortest, longest = jitter
        short = min(height, width)
        side = round(short * self.size * rng.uniform(1 / longest, 1 / shortest))
        side = min(max(side, 1), short)
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        return int(top), int(left), side, side


class RandomCrop:
    """The resize and crop of one clip, drawn when its first frame is there; any frames at a time.

    Frames can so be made small as they are decoded.
    """

    def __init__(self, transform: TrainTransform, rng: np.random.Generator):
        self.transform, self.rng = transform, rng
        self._crop: tuple[int, int, int, int] | None = None
        self._before: Mapping[str, Any] = rng.bit_generator.state

    def __call__(self, frames: Tensor) -> Tensor:
        """uint8 (T, C, H, W) to uint8 (T, C, size, size)."""
        size = self.transform.size
        frames = resize_frames(frames, self.transform.resize)
        if self._crop is None:
            self._before = self.rng.bit_generator.state
            height, width = frames.shape[-2:]
            self._crop = self.transform.draw_crop(height, width, self.rng)
        return resize_to(cut(frames, *self._crop), size, size)

    def undo(self) -> None:
        """Takes the draw back, so that a video that fails half way has drawn nothing."""
        if self._crop is not None:
            self.rng.bit_generator.state = self._before


class ViewTransform:
    """Fixed resize and one of the fixed crops of a test protocol.

    Args:
        size: Height and width of the clip in pixels.
        resize: Of whole frames, before the crop.
        places: Of the crops along the longer side of the frame: 0 left or top, 1 center, 2 right or
            bottom.
    """

    def __init__(self, *, size: int, resize: Resize, places: Sequence[int] = (1,)):
        if not places or not set(places) <= {0, 1, 2}:
            raise UsageError(
                f"places={list(places)} is not possible; they are 0 (left or top), 1 (center) and "
                f"2 (right or bottom)."
            )
        self.size, self.resize, self.places = size, resize, tuple(places)

    @property
    def num_crops(self) -> int:
        return len(self.places)

    def __call__(self, frames: Tensor, crop: int = 0) -> Tensor:
        """uint8 (T, C, H, W) to uint8 (C, T, size, size).

        Raises:
            UsageError: The resized frames are smaller than the crop.
        """
        if not 0 <= crop < self.num_crops:
            raise ValueError(f"crop {crop} does not exist: num_crops={self.num_crops}, from 0")
        frames = resize_frames(frames, self.resize)
        height, width = frames.shape[-2:]
        free_height, free_width = height - self.size, width - self.size
        if free_height < 0 or free_width < 0:
            raise UsageError(
                f"A crop of {self.size}x{self.size} pixels does not fit into frames of {width}x"
                f"{height} (width x height); resize to at least {self.size}, or use a smaller size."
            )
        top, left = free_height // 2, free_width // 2
        place = self.places[crop]
        if width >= height:
            left = (0, left, free_width)[place]
        else:
            top = (0, top, free_height)[place]
        return cut(frames, top, left, self.size, self.size).transpose(0, 1)


def stacked(clips: Sequence[Tensor]) -> Tensor:
    """Clips (..., C, T, H, W) in one tensor, in memory (B, ..., T, H, W, C), as frames are decoded.

    That takes a sixth of the time of putting the channels first, and `normalize` would put them
    last again.
    """
    return torch.stack([clip.movedim(-4, -1) for clip in clips]).movedim(-1, -4)


@cache
def _statistics(
    mean: tuple[float, ...], std: tuple[float, ...], width: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Of a row of pixels, kept on the device: each copy to it would end a CUDA graph."""
    with torch.inference_mode(False):
        both = torch.tensor([mean, std], dtype=torch.float32, device=device)
        center, spread = both.repeat(1, width)
    return center, spread


def normalize(clips: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 (B, C, T, H, W) in 0 to 255 to float32 (x / 255 - mean) / std, on its own device.

    Floating point numbers are no pixels but features of a frozen trunk, and stay what they are.

    In memory the result is (B, T, H, W, C), channels last: the networks keep that format, in which
    a step takes 0.7 times as long on a CPU.
    """
    if clips.is_floating_point():
        return clips.float()
    width = clips.shape[-1]
    center, spread = _statistics(tuple(mean), tuple(std), width, clips.device)
    floats = clips.to(torch.float32, memory_format=torch.channels_last_3d)
    # by rows of pixels: three channels are too few for a CPU's inner loop
    rows = floats.movedim(1, -1).flatten(-2).div_(255).sub_(center).div_(spread)
    return rows.unflatten(-1, (width, -1)).movedim(-1, 1)
