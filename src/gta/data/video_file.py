"""Exact frames of a video file with PyAV.

MP4 and Matroska/WebM files are indexed by one pass over their packets, without decoding: the sorted
presentation times are the frames. Reading seeks to the keyframe before a frame and decodes until
its time appears. Where a container does not promise one packet a frame, or a file lacks times,
frames are what decoding from the start gives, in that order.
"""

from array import array
from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from gta.errors import VideoError

from .choice import Choice, chosen
from .index_memory import IndexMemory
from .pictures import MAX_PIXELS
from .sources import Member, Readable

# Playlists (HLS, concat, SDP ...) are left out: they open other files and connections.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,live_flv,gif,ogg,"
    "wtv,rm,mxf,gxf,dv,dhav,nut,yuv4mpegpipe,m4v,h264,hevc,mjpeg,ivf,obu,mp3,wav,flac,aac",
}
# A title may be in any encoding. PyAV 18 refuses all but UTF-8 if not told; 19 does not.
_ANY_TITLE: dict[str, Any] = {"metadata_errors": "replace"} if av.__version__ < "19" else {}
_INDEXED = ("mov", "matroska")  # one packet a frame, with its time
_WORTH_A_SEEK = 1  # frames that a seek saves; it takes far less time than to decode one
_PLAIN = ("yuv420p", "yuvj420p")


@dataclass(frozen=True)
class Index:
    """Where the frames of a file are; `times` is None where only decoding can tell."""

    num_frames: int
    size: tuple[int, int]
    """(height, width) in the header."""
    times: Sequence[int] | None
    keyframes: Sequence[int] = ()
    rate: float | None = None
    """Frames per second on average, as far as the header tells."""
    announced: int | None = None
    """Duration times rate, as far as the header tells."""

    @property
    def nbytes(self) -> int:
        """In memory, with the name of the file; thousands of files are remembered."""
        return 1000 + 8 * (len(self.times or ()) + len(self.keyframes))


_known = IndexMemory[Index](limit=2**26)


def index(path: Readable) -> Index:
    """The index of a file, from memory if the file has not changed.

    Raises:
        VideoError: No video that can be read, or no frame.
    """
    key = _key(path)
    known = _known.get(key)
    if known is not None:
        return known
    with _opened(path) as (container, stream):
        found = _index_packets(container, stream)
    return _remember(path, key, found or _count(path))


def forget() -> None:
    """Empties the memory of indices, for measurements."""
    _known.clear()


def _key(path: Readable) -> tuple:
    """Equal for a file that has not changed."""
    if isinstance(path, Member):  # shards are written once
        return (path,)
    status = path.stat()
    if status.st_size == 0:
        raise VideoError(path, "is empty (0 bytes)")
    return path, status.st_mtime_ns, status.st_size


def _remember(path: Readable, key: tuple, found: Index) -> Index:
    if found.num_frames == 0:
        raise VideoError(str(path), "no frame could be decoded")
    _known.put(key, found)
    return found


def _count(path: Readable) -> Index:
    """What decoding all frames tells."""
    with _opened(path) as (container, stream):
        count = sum(1 for _ in _decode(container, stream))
        announced = _announced(container, stream)
        return Index(count, _size(stream), None, (), _rate(stream), announced)


def _index_packets(container: InputContainer, stream: VideoStream) -> Index | None:
    """What the packets tell; None where they do not tell everything."""
    if not any(name in container.format.name.split(",") for name in _INDEXED):
        return None
    if stream.codec_context.name == "vp8":  # has packets that are never shown
        return None
    packets: list[tuple[int, bool]] = []
    for packet in _packets(container, stream):
        if not packets and _needs_first_packet(stream):
            with suppress(av.error.FFmpegError):
                stream.decode(packet)
        if packet.is_corrupt or packet.is_discard:  # cut off; outside of the edit list
            continue
        if packet.pts is None:
            return None
        packets.append((packet.pts, packet.is_keyframe))
    packets.sort()
    times = array("q", (time for time, _ in packets))  # thousands of files are remembered
    keyframes = array("q", (i for i, (_, is_key) in enumerate(packets) if is_key))
    if len(set(times)) < len(times) or not keyframes:
        return None
    announced = _announced(container, stream)
    return Index(len(times), _size(stream), times, keyframes, _rate(stream), announced)


def read(path: Readable, choice: Choice) -> np.ndarray:
    """The asked frames, or all, as uint8 (T, H, W, 3). The file is opened once where it can be.

    Raises:
        VideoError: There is no such frame, or it cannot be decoded.
    """
    key, images, wanted = _key(path), dict[int, np.ndarray](), list[int]()
    table = _known.get(key)
    if table is None or table.times is not None:
        with _opened(path) as (container, stream):
            unread = table is not None
            if table is None and (found := _index_packets(container, stream)) is not None:
                table = _remember(path, key, found)
            if table is not None:
                wanted = chosen(path, choice, table.num_frames)
                images = _read_seeking(container, stream, table, sorted(set(wanted)), unread)
    if table is None or table.times is None:
        table = table or _remember(path, key, _count(path))
        wanted = chosen(path, choice, table.num_frames)
    if len(images) < len(set(wanted)):
        images = _read_from_start(path, table, sorted(set(wanted)))
    return np.stack([images[i] for i in wanted])


def each(path: Readable) -> Iterator[np.ndarray]:
    """All frames in order, one at a time, as uint8 (H, W, 3).

    Raises:
        VideoError: One of them cannot be decoded.
    """
    table, expected = index(path), 0
    frame_at = None if table.times is None else _frame_numbers(table.times)
    with _opened(path) as (container, stream):
        to_rgb = _ToRGB(stream)
        for order, frame in enumerate(_decode(container, stream)):
            i = order if frame_at is None else frame_at.get(frame.pts)
            if i == expected:
                yield to_rgb(frame)
                expected += 1
    if expected < table.num_frames:
        raise _undecodable(path, expected, expected, table.num_frames)


def _read_seeking(
    container: InputContainer,
    stream: VideoStream,
    table: Index,
    wanted: Sequence[int],
    unread: bool,
) -> dict[int, np.ndarray]:
    """Frames of an opened file, of which some packets were read or, if `unread`, none."""
    times = table.times or ()
    frame_at = _frame_numbers(times)
    shown = frozenset(times[i] for i in wanted)
    images: dict[int, np.ndarray] = {}
    to_rgb = _ToRGB(stream)
    frames, position = _decode(container, stream, shown), -1
    for target in wanted:
        keyframe = table.keyframes[max(bisect_right(table.keyframes, target) - 1, 0)]
        if not unread or keyframe - position > _WORTH_A_SEEK:
            try:
                if unread and position < 0 and _needs_first_packet(stream):
                    stream.decode(next(_packets(container, stream), None))
                container.seek(times[keyframe], stream=stream)
            except av.error.FFmpegError:
                return images
            frames, position = _decode(container, stream, shown), keyframe - 1
            unread = True
        for frame in frames:
            i = frame_at.get(frame.pts)
            if i is None:
                continue
            position = i
            if i == target:
                images[i] = to_rgb(frame)
            if i >= target:
                break
    return images


def _needs_first_packet(stream: VideoStream) -> bool:
    """Whether the decoder has to see the first packet before others.

    x264 names its version there, and FFmpeg decodes 4:4:4 and B-frames of old versions differently.
    """
    context = stream.codec_context
    return context.name == "h264" and (context.has_b_frames or context.pix_fmt not in _PLAIN)


def _frame_numbers(times: Sequence[int]) -> dict[int | None, int]:
    return {time: i for i, time in enumerate(times)}


def _read_from_start(path: Readable, table: Index, wanted: Sequence[int]) -> dict[int, np.ndarray]:
    """Decodes until all are there: files without times, and files in which seeking misleads."""
    frame_at = None if table.times is None else _frame_numbers(table.times)
    images: dict[int, np.ndarray] = {}
    asked, num_decoded = set(wanted), 0
    with _opened(path) as (container, stream):
        to_rgb = _ToRGB(stream)
        for order, frame in enumerate(_decode(container, stream)):
            num_decoded += 1
            i = order if frame_at is None else frame_at.get(frame.pts)
            if i is not None and i in asked and i not in images:
                images[i] = to_rgb(frame)
            if len(images) == len(wanted):
                return images
    missing = next(i for i in wanted if i not in images)
    raise _undecodable(path, missing, num_decoded, table.num_frames)


def _undecodable(path: Readable, missing: int, num_decoded: int, num_frames: int) -> VideoError:
    return VideoError(
        str(path),
        f"frame {missing} cannot be decoded; {num_decoded} of its {num_frames} frames can "
        f"(damaged or cut off?)",
    )


@contextmanager
def _opened(path: Readable) -> Iterator[tuple[InputContainer, VideoStream]]:
    opened = BytesIO(path.read()) if isinstance(path, Member) else str(path)
    try:
        container = av.open(opened, container_options=_OPTIONS, **_ANY_TITLE)
    except (av.error.FFmpegError, EOFError) as error:
        raise VideoError(str(path), _what_is_it(path)) from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            audio = " (audio only)" if container.streams.audio else ""
            raise VideoError(str(path), f"has no video stream{audio}")
        if not stream.codec_context:
            raise VideoError(str(path), "its kind of compression is not known to FFmpeg")
        height, width = _size(stream)
        if width * height > MAX_PIXELS:
            raise VideoError(
                str(path), f"its frames of {width}x{height} pixels are too large to decode"
            )
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stream.codec_context.thread_count = 1  # parallel over videos instead
        yield container, stream


def _size(stream: VideoStream) -> tuple[int, int]:
    return stream.codec_context.height, stream.codec_context.width


def _rate(stream: VideoStream) -> float | None:
    return float(stream.average_rate) if stream.average_rate else None


def _announced(container: InputContainer, stream: VideoStream) -> int | None:
    if not container.duration or not stream.average_rate:
        return None
    return round(container.duration / av.time_base * stream.average_rate)


def _what_is_it(path: Readable) -> str:
    if isinstance(path, Member):
        start = path.read()[:1024]
    else:
        with path.open("rb") as file:
            start = file.read(1024)
    if b"\0" not in start and start.isascii():
        return "not a video that FFmpeg knows (is it a text file?)"
    return "not a video that FFmpeg can open (damaged, cut off, or another kind of file)"


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """Packets up to the end of the file or the first damage of the container."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        if packet.size:  # the last, empty one asks the decoder for what it holds back
            yield packet


def _decode(
    container: InputContainer, stream: VideoStream, shown: Container[int | None] | None = None
) -> Iterator[VideoFrame]:
    """Frames in order of presentation; goes on after a packet that does not decode.

    Where the times of the frames to be `shown` are given, others may be missing: those of H.264
    that no frame refers to, half of a film with B-frames, are not decoded. It then stops at damage,
    which FFmpeg would conceal with what is missing.
    """
    context = stream.codec_context
    skips = shown is not None and context.name == "h264"
    for packet in _packets(container, stream):
        if skips and shown is not None:
            context.skip_frame = "DEFAULT" if packet.pts in shown else "NONREF"
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            if shown is not None:
                return
    try:
        yield from stream.decode(None)
    except av.error.FFmpegError:
        return


class _ToRGB:
    """Frames of one file to upright uint8 (H, W, 3), all of the size of the header."""

    def __init__(self, stream: VideoStream):
        self.size = _size(stream)
        self.convert = VideoReformatter()  # one a file: it keeps its tables from frame to frame

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        if 0 in self.size:
            self.size = (frame.height, frame.width)
        height, width = self.size
        rgb = self.convert.reformat(frame, width, height, format="rgb24", threads=1)
        # FFmpeg's angle is that of the turn which sets the picture upright, anticlockwise
        return np.rot90(rgb.to_ndarray(), round(frame.rotation / 90) % 4)
