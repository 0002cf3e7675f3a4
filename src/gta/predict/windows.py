"""A long video as windows of a clip's frames, which slide over it and share what is decoded."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gta.config import Clip
from gta.data.decode.in_order import Passage, TimedFrame
from gta.data.spent import Spent
from gta.data.transforms.clip import ViewTransform, stacked
from gta.errors import UsageError

SEGMENTS_SECONDS = 4.0
"""Length of a window where training samples whole videos: those of Something-Something's length."""
_PARTS = 8
"""Of a window, by which the next is later."""
_TSM_WINDOW = 64
_ROUNDING = 1e-3
"""Seconds to which Matroska rounds the times of frames."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Times at which frames are shown to the network: (j + 1/2) * step, for j = 0, 1 ...

    Window k has the frames of slots k * stride to k * stride + num_frames - 1.
    """

    num_frames: int
    step: float
    """Seconds."""
    stride: int
    """Slots."""

    @property
    def window(self) -> float:
        """Seconds that a window shows."""
        return self.num_frames * self.step

    @property
    def stride_seconds(self) -> float:
        """Seconds from one window to the next."""
        return self.stride * self.step


def grid_of(clip: Clip, rate: float, *, window: float | None, stride: float | None) -> Grid:
    """The grid for what the network was trained on.

    Args:
        clip: Of the recipe: with a stride, it tells how long a window is.
        rate: Frames of the video per second.
        window: Seconds; None: those of a clip of the recipe, or 4 where a clip is a whole video.
        stride: Seconds from one window to the next; None: an eighth of the window.

    Raises:
        UsageError: They are not above 0, or the stride is longer than the window.
    """
    for name, value in (("window", window), ("stride", stride)):
        if value is not None and not 0 < value < 1e6:
            raise UsageError(f"{name} is a number of seconds, above 0; got {value!r}")
    T = clip.num_frames
    step = window / T if window is not None else _step(clip, rate)
    slots = max(1, T // _PARTS) if stride is None else max(1, round(stride / step))
    if slots > T:
        raise UsageError(
            f"windows of {T * step:g} s that are {stride:g} s apart would leave parts of the video "
            f"out: take a stride of at most {T * step:g} s, or a longer window"
        )
    return Grid(T, step, slots)


def _step(clip: Clip, rate: float) -> float:
    match clip.sampling:
        case "dense":
            return (clip.stride or 1) / rate
        case "pyslowfast" | "pyslowfast_offset":
            return (clip.stride or 1) / 30
        case "tsm_dense":
            return _TSM_WINDOW // clip.num_frames / rate
    return SEGMENTS_SECONDS / clip.num_frames


def slots_of(
    frames: Iterator[TimedFrame],
    grid: Grid,
    transform: ViewTransform,
    passage: Passage,
    spent: Spent,
) -> Iterator[Tensor]:
    """What each slot shows, uint8 (crops, 3, 1, size, size): the frame that is seen at its time.

    A frame that no slot shows is not converted. A video that is shorter than a window shows its
    last frame up to the end of it.
    """
    filled, last = 0, None
    shown = spent.transforming(lambda image: _crops(image, transform))
    while True:
        with spent.decoding():
            frame = next(frames, None)
        if last is not None:
            end, made = passage.duration if frame is None else frame.time, None
            while (filled + 0.5) * grid.step < end - _ROUNDING or (
                frame is None and filled < grid.num_frames
            ):
                if made is None:
                    with spent.decoding():
                        made = shown(torch.from_numpy(last.image().copy())[None])
                yield made
                filled += 1
        if frame is None:
            return
        last = frame


def _crops(image: Tensor, transform: ViewTransform) -> Tensor:
    frames = image.permute(0, 3, 1, 2)
    return stacked([transform(frames, crop) for crop in range(transform.num_crops)])


def windows_of(slots: Iterator[Tensor], grid: Grid) -> Iterator[tuple[float, Tensor]]:
    """(center in seconds, window, uint8 (crops, 3, T, size, size)), the last one at the end."""
    ring: deque[Tensor] = deque(maxlen=grid.num_frames)
    count = 0
    for slot in slots:
        ring.append(slot)
        count += 1
        first = count - grid.num_frames
        if first >= 0 and first % grid.stride == 0:
            yield _window(ring, first, grid)
    first = count - grid.num_frames
    if first > 0 and first % grid.stride:
        yield _window(ring, first, grid)


def _window(ring: deque[Tensor], first: int, grid: Grid) -> tuple[float, Tensor]:
    frames = torch.cat([slot.movedim(1, -1) for slot in ring], dim=1).movedim(-1, 1)
    return first * grid.step + grid.window / 2, frames
