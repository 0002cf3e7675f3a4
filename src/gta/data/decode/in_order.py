"""All frames of a video once, in order, each with its time; memory does not grow with its length.

No index is made: that of a film of ten hours alone would take more memory than its frames here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gta.data.decode import pictures
from gta.data.decode.ends import missing_end
from gta.data.decode.index import key_of, starts_with_key
from gta.data.decode.opening import opened
from gta.data.decode.video_file import ToRGB
from gta.data.storage.sources import Readable
from gta.errors import VideoError

USUAL_RATE = 30.0
"""Frames per second of what tells none."""
_TRIES = 100
"""To read on after damage, without a packet in between."""
_BACK = 1.0
"""Seconds by which times go back where a stream begins to count anew, and not for a rounding."""


@dataclass(slots=True)
class Passage:
    """What is known of a video while it goes by."""

    rate: float = USUAL_RATE
    """Frames per second, by the header."""
    expected: float | None = None
    """Seconds, by the header; None: it does not tell."""
    damage: int = 0
    """Places where packets could not be read or decoded, and frames that are seen with damage."""
    cut_off: str | None = None
    """What of the file is there, if its end is not."""
    duration: float = 0.0
    """Seconds up to the end of the last frame so far."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """One frame, converted only if someone looks at it."""

    time: float
    """Seconds from the first frame."""
    image: Callable[[], np.ndarray]
    """uint8 (H, W, 3), upright."""


def each_picture(folder: Readable, passage: Passage, fps: float | None) -> Iterator[TimedFrame]:
    """Of pictures, at `USUAL_RATE` unless given; see `gta.data.decode.frames_in_order`."""
    passage.rate = fps or USUAL_RATE
    passage.expected = pictures.count(folder) / passage.rate
    for number, image in enumerate(pictures.each(folder)):
        passage.duration = (number + 1) / passage.rate
        yield TimedFrame(number / passage.rate, lambda image=image: image)


def each(path: Readable, passage: Passage, fps: float | None) -> Iterator[TimedFrame]:
    """Of a video file; see `gta.data.decode.frames_in_order`."""
    key_of(path)  # an empty file is told as empty
    if isinstance(path, Path):
        with path.open("rb") as file:
            passage.cut_off = missing_end(file, path.stat().st_size)
    with opened(path) as (container, stream):
        passage.rate = fps or float(stream.average_rate or USUAL_RATE)
        passage.expected = _expected(container, stream)
        to_rgb, clock, some = ToRGB(path, stream), _Clock(stream, passage.rate, fps), False
        for frame in _decodable(path, container, stream, passage):
            time, some = clock(frame), True
            passage.duration = time + 1 / passage.rate
            yield TimedFrame(time, lambda frame=frame: to_rgb(frame))
    if not some:
        raise VideoError(str(path), "no frame could be decoded")


def _expected(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _decodable(
    path: Readable, container: InputContainer, stream: VideoStream, passage: Passage
) -> Iterator[VideoFrame]:
    """Frames from the first that needs no other before it, as `count_frames` counts them."""
    begun = False
    for frame in _decoded(container, stream, passage):
        begun = begun or bool(frame.key_frame) or starts_with_key(path)
        if begun:
            passage.damage += frame.is_corrupt
            yield frame


def _decoded(
    container: InputContainer, stream: VideoStream, passage: Passage
) -> Iterator[VideoFrame]:
    for packet in _packets(container, stream, passage):
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            passage.damage += 1
    try:
        yield from stream.decode(None)
    except av.error.FFmpegError:
        return


def _packets(container: InputContainer, stream: VideoStream, passage: Passage) -> Iterator[Packet]:
    """Packets up to the end of the file; damage of the container is passed over."""
    tries = _TRIES
    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed)
        except StopIteration:
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            passage.damage += 1
            tries -= 1
            if not tries:
                return
            demuxed = container.demux(stream)
            continue
        if packet.size:
            tries = _TRIES
            yield packet


class _Clock:
    """Seconds from the first frame, never going back."""

    def __init__(self, stream: VideoStream, rate: float, fps: float | None):
        self.tick, self.rate = stream.time_base, rate
        self.counts = fps is not None
        self.number = -1
        self.origin: float | None = None
        self.last = 0.0

    def __call__(self, frame: VideoFrame) -> float:
        self.number += 1
        if self.counts:
            return self.number / self.rate
        after = self.last + 1 / self.rate if self.number else 0.0
        if frame.pts is None or not self.tick:
            self.last = after
            return after
        told = float(frame.pts * self.tick)
        if self.origin is None or told - self.origin < self.last - _BACK:
            self.origin = told - after
        self.last = max(told - self.origin, self.last)
        return self.last
