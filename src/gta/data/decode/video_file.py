"""Exact frames of a video file with PyAV.

Reading seeks to the key frame before a frame and decodes until its time appears. What the decoder
gives on the way is compared with the index; where it is not what was expected, and in files without
times, frames are what decoding from the start gives, in that order.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import av.error
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from gta.data.decode.index import (
    Index,
    count,
    index,
    index_packets,
    key_of,
    needs_first_packet,
    recall,
    remember,
)
from gta.data.decode.opening import frame_size, frames, opened, packets
from gta.data.decode.pixels import UPRIGHT, upright
from gta.data.storage.sources import Readable
from gta.errors import VideoError

Made = TypeVar("Made")

_MATRIX = struct.Struct("=9i")
_WORTH_A_SEEK = 1  # frames that a seek saves; it takes far less time than to decode a frame


def read(
    path: Readable, choose: Callable[[int], Sequence[int]], make: Callable[[np.ndarray], Made]
) -> list[Made]:
    """What `make` makes of the asked frames. The file is opened once where it can be.

    Args:
        path: The file.
        choose: Tells which frames from the number of all.
        make: Gets each frame as soon as it is decoded, uint8 (H, W, 3).

    Raises:
        VideoError: There is no such frame, or it cannot be decoded.
    """
    key, images = key_of(path), dict[int, Made]()
    wanted: Sequence[int] = ()
    table = recall(key)
    if table is None or table.times is not None:
        with opened(path, is_known=table is not None) as (container, stream):
            unread = table is not None
            if table is None and (indexed := index_packets(container, stream)) is not None:
                table = remember(path, key, indexed)
            if table is not None:
                wanted = choose(table.num_frames)
                images = _read_seeking(
                    path, container, stream, table, sorted(set(wanted)), unread, make
                )
    if table is None or table.times is None:
        table = table or remember(path, key, count(path))
        wanted = choose(table.num_frames)
    if len(images) < len(set(wanted)):
        images, damage = _read_from_start(path, table, sorted(set(wanted)), make)
        if damage > table.damage:
            remember(path, key, replace(table, damage=damage))
    return [images[i] for i in wanted]


def each(path: Readable) -> Iterator[np.ndarray]:
    """All frames in order, one at a time, as uint8 (H, W, 3).

    Raises:
        VideoError: One of them cannot be decoded.
    """
    table, expected = index(path), 0
    with opened(path, is_known=True) as (container, stream):
        to_rgb = ToRGB(path, stream)
        for i, frame in _numbered(container, stream, table):
            if i == expected:
                yield to_rgb(frame)
                expected += 1
    if expected < table.num_frames:
        raise _undecodable(path, expected, expected, table.num_frames)


def _read_seeking(
    path: Readable,
    container: InputContainer,
    stream: VideoStream,
    table: Index,
    wanted: Sequence[int],
    unread: bool,
    make: Callable[[np.ndarray], Made],
) -> dict[int, Made]:
    """Frames of an opened file, of which some packets were read or, if `unread`, none.

    Not all of them, where what is decoded is not the frames that the index says in their order.
    """
    times = table.times or ()
    frame_at = _frame_numbers(times)
    # where frames were counted, a packet may be half a frame: none is left out
    shown = None if table.counted else frozenset(times[i] for i in wanted)
    leaves_out = shown is not None and stream.codec_context.name == "h264"
    # of these, the decoder itself gives no frame before a whole frame
    waits = stream.codec_context.name in ("h264", "hevc")
    images: dict[int, Made] = {}
    to_rgb = ToRGB(path, stream)
    decoded, position = frames(container, stream, shown), -1
    for target in wanted:
        keyframe = table.keyframes[max(bisect_right(table.keyframes, target) - 1, 0)]
        if not unread or keyframe - position > _WORTH_A_SEEK:
            try:
                if unread and position < 0 and needs_first_packet(stream):
                    stream.decode(next(packets(container, stream), None))
                container.seek(times[keyframe], stream=stream)
            except av.error.FFmpegError:
                return images
            decoded, position = frames(container, stream, shown), keyframe - 1
            unread, begun = True, False
        else:
            begun = position >= 0
        for frame in decoded:
            i = frame_at.get(frame.pts)
            if not begun and (i is None or i <= position):  # needed by the key frame's followers
                continue
            if i is None or i <= position or frame.is_corrupt:
                return {}
            if i > position + 1 and not (begun and leaves_out):
                return {}
            if not begun and not frame.key_frame and not waits:  # as the container has it
                return {}
            position, begun = i, True
            if i == target:
                images[i] = make(to_rgb(frame))
            if i >= target:
                break
    return images


def _numbered(
    container: InputContainer, stream: VideoStream, table: Index
) -> Iterator[tuple[int | None, VideoFrame]]:
    """Frames from the start with their numbers, None for those that do not count."""
    frame_at = _frame_numbers(table.times or ())
    for order, frame in enumerate(frames(container, stream), start=-table.skipped):
        if table.counted:
            yield order if order >= 0 else None, frame
        else:
            yield frame_at.get(frame.pts), frame


def _frame_numbers(times: Sequence[int]) -> dict[int | None, int]:
    return {time: i for i, time in enumerate(times)}


def _read_from_start(
    path: Readable, table: Index, wanted: Sequence[int], make: Callable[[np.ndarray], Made]
) -> tuple[dict[int, Made], int]:
    """Decodes until all are there: files without times, and files in which seeking misleads.

    Also tells how many frames on the way were missing or damaged.
    """
    images: dict[int, Made] = {}
    asked, num_decoded, damaged = set(wanted), 0, 0
    with opened(path, is_known=True) as (container, stream):
        to_rgb = ToRGB(path, stream)
        for i, frame in _numbered(container, stream, table):
            num_decoded += i is not None
            damaged += i is not None and frame.is_corrupt
            if i is not None and i in asked and i not in images:
                images[i] = make(to_rgb(frame))
            if i is not None and len(images) == len(wanted):
                return images, damaged + i + 1 - num_decoded
    missing = next(i for i in wanted if i not in images)
    raise _undecodable(path, missing, num_decoded, table.num_frames)


def _undecodable(path: Readable, missing: int, num_decoded: int, num_frames: int) -> VideoError:
    return VideoError(
        str(path),
        f"frame {missing} cannot be decoded; {num_decoded} of its {num_frames} frames can "
        f"(damaged or cut off?)",
    )


class ToRGB:
    """Frames of one file to upright uint8 (H, W, 3), all of the size of the header."""

    def __init__(self, path: Readable, stream: VideoStream):
        self.path, self.size = path, frame_size(stream)
        self.shape: tuple[int, ...] | None = None
        self.convert = (
            VideoReformatter()
        )  # a converter a file: it keeps its tables from frame to frame

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        if 0 in self.size:
            self.size = (frame.height, frame.width)
        height, width = self.size
        rgb = self.convert.reformat(frame, width, height, format="rgb24", threads=1)
        image = rgb.to_ndarray()
        if (stored := stored_as(frame)) != UPRIGHT:
            image = upright(image, stored)
        if self.shape not in (None, image.shape):
            raise VideoError(str(self.path), "its frames are turned in different ways")
        self.shape = image.shape
        return image


def _kind_without_a_name(kinds: type[Type], value: object) -> Type:
    kind = object.__new__(kinds)
    kind._value_, kind._name_ = value, f"UNKNOWN_{value}"
    return kind


# A frame with side data of a kind that FFmpeg has and PyAV does not name (EXIF in 18.1) would
# otherwise give none of it.
Type._missing_ = classmethod(_kind_without_a_name)  # pyright: ignore[reportAttributeAccessIssue]


def stored_as(frame: VideoFrame) -> int:
    """In which of EXIF's eight ways a frame is stored, 1 to 8, from its display matrix."""
    side_data: Any = frame.side_data
    if Type.DISPLAYMATRIX not in side_data:
        return UPRIGHT
    return of_matrix(_MATRIX.unpack(bytes(side_data[Type.DISPLAYMATRIX])[: _MATRIX.size]))


def of_matrix(matrix: tuple[int, ...]) -> int:
    """The nearest of EXIF's eight for a display matrix (a, b, u, c, d, v, x, y, w).

    ISO/IEC 14496-12: the stored (x, y) is shown at (a x + c y, b x + d y), y downwards.
    """
    a, b, _, c, d, *_ = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return {(False, False): 1, (True, False): 2, (True, True): 3, (False, True): 4}[
            a < 0, d < 0
        ]
    return {(False, False): 5, (True, False): 6, (True, True): 7, (False, True): 8}[c < 0, b < 0]
