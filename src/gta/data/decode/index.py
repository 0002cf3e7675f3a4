"""Where the frames of a video file are.

MP4 and Matroska/WebM are indexed by one pass over their packets, without decoding, where each
packet is sure to be one frame with a time of its own: the sorted times are the frames. That a
packet is a key frame is believed unless its bytes say otherwise. In all other cases frames are what
decoding from the start gives, counted once.
"""

from array import array
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Lock

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from gta.data.decode.ends import missing_end
from gta.data.decode.opening import (
    check_ordinary,
    frame_size,
    frames,
    frames_of,
    is_kind,
    opened,
    packets,
)
from gta.data.decode.packet_headers import may_begin, shown_frames
from gta.data.storage.sources import Member, Readable
from gta.errors import VideoError

_REORDERED = ("h264", "hevc", "mpeg4", "mpeg2video")
"""Whose packets may be in another order than their frames."""
_SEEKABLE = ("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg2video")
"""Whose frames keep their packet's time, also after a seek."""
_WAITING = ("h264", "hevc")
"""Whose decoder gives no frame before a whole frame."""
_ALONE = (PictureType.I, PictureType.SI, PictureType.BI)
"""Frames that need no other. What the decoder makes up for a missing frame has no type."""
_PLAIN = ("yuv420p", "yuvj420p")
_CLOSE = 0.5
"""Frames by which the times may differ from the header's rate in all: they are rounded."""
_JUMP = 10.0
"""Seconds between two frames beyond which broadcast streams count anew."""


@dataclass(frozen=True)
class Index:
    """Where the frames of a file are; `times` is None where none can be sought by its time."""

    num_frames: int
    size: tuple[int, int]
    """(height, width) in the header."""
    times: Sequence[int] | None
    keyframes: Sequence[int] = ()
    """Frames from which decoding can begin."""
    rate: float | None = None
    """Frames per second on average."""
    tick: Fraction = Fraction(1)
    """Seconds in a unit of `times`."""
    counted: bool = False
    """Whether frames were counted by decoding: they are then the decoder's, in its order."""
    skipped: int = 0
    """Frames that the decoder gives before the first that it can decode correctly."""
    cut_off: str | None = None
    """What of the file is there, if its end is not, such as "4,120 of 8,230 bytes"."""
    damage: int = 0
    """Frames that are missing or seen with damage, of those that were decoded so far."""

    @property
    def nbytes(self) -> int:
        """In memory, with the name of the file; thousands of files are remembered."""
        return 1000 + 8 * (len(self.times or ()) + len(self.keyframes))


class IndexCache:
    """Forgets what was used longest ago when it would hold more than `limit` bytes.

    The index of a video of an hour takes a megabyte, and every loader process has its own memory.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.nbytes = 0
        """Of all that is held."""
        self._held: OrderedDict[Hashable, Index] = OrderedDict()
        self._lock = Lock()  # frames for the memory are decoded by threads

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Index | None:
        """The index that was put there, if it is still held."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: Hashable, index: Index) -> None:
        """Keeps an index, unless it is larger than the limit."""
        with self._lock:
            if key in self._held:
                self.nbytes -= self._held.pop(key).nbytes
            self._held[key] = index
            self.nbytes += index.nbytes
            while self.nbytes > self.limit:
                self.nbytes -= self._held.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._held.clear()
            self.nbytes = 0


_known = IndexCache(limit=2**26)


def index(path: Readable) -> Index:
    """The index of a file, from memory if the file has not changed.

    Raises:
        VideoError: No video that can be read, or no frame.
    """
    key = key_of(path)
    known = recall(key)
    if known is not None:
        return known
    with opened(path) as (container, stream):
        table = index_packets(container, stream)
    return remember(path, key, table or count(path))


def forget() -> None:
    """Empties the memory of indices, for measurements."""
    _known.clear()


def key_of(path: Readable) -> tuple:
    """Equal for a file that has not changed.

    Raises:
        VideoError: The file is empty.
    """
    if isinstance(path, Member):  # shards are written once
        return (path,)
    status = path.stat()
    if status.st_size == 0:
        check_ordinary(path)
        raise VideoError(path, "is empty (0 bytes)")
    return path, status.st_mtime_ns, status.st_size


def recall(key: tuple) -> Index | None:
    """The index that was remembered."""
    return _known.get(key)


def remember(path: Readable, key: tuple, table: Index) -> Index:
    """Keeps an index.

    Raises:
        VideoError: It has no frame.
    """
    if table.num_frames == 0:
        raise VideoError(str(path), "no frame could be decoded")
    if isinstance(path, Path):  # shards are told by their size and checksums
        with path.open("rb") as file:
            table = replace(table, cut_off=missing_end(file, path.stat().st_size))
    _known.put(key, table)
    return table


def needs_first_packet(stream: VideoStream) -> bool:
    """Whether the decoder has to see the first packet before others.

    x264 names its version there, and FFmpeg decodes 4:4:4 and B-frames of old versions differently.
    """
    context = stream.codec_context
    return context.name == "h264" and (context.has_b_frames or context.pix_fmt not in _PLAIN)


def index_packets(container: InputContainer, stream: VideoStream) -> Index | None:
    """What the packets tell; None where they do not tell everything."""
    context = stream.codec_context
    shown = shown_frames(context.codec.canonical_name, context.extradata)
    if shown is None or not is_kind(container, "mov", "matroska"):
        return None
    may = may_begin(context.codec.canonical_name, context.extradata)
    order: list[tuple[int, bool]] = []  # as they are decoded
    outside = set[int]()
    first = True
    for packet in packets(container, stream):
        data = bytes(packet)
        is_key = packet.is_keyframe and may(data)
        if first and not is_key:  # nothing can be decoded up to the next
            return None
        if first and needs_first_packet(stream):
            with suppress(av.error.FFmpegError):
                stream.decode(packet)
        first = False
        if packet.is_corrupt:  # cut off
            continue
        num_shown = shown(data)
        if num_shown is None or num_shown > 1 or packet.pts is None:
            return None
        if num_shown:
            order.append((packet.pts, is_key))
            if packet.is_discard:  # outside of the edit list
                outside.add(packet.pts)
    if not _in_order([time for time, _ in order], stream):
        return None
    inside = sorted(pair for pair in order if pair[0] not in outside)
    times = array("q", (time for time, _ in inside))  # thousands of files are remembered
    keyframes = array("q", (i for i, (_, key) in enumerate(inside) if key))
    if not keyframes:
        return None
    rate, tick = _average_rate(container, stream, times), Fraction(stream.time_base or 1)
    return Index(len(times), frame_size(stream), times, keyframes, rate, tick)


def _in_order(times: Sequence[int], stream: VideoStream) -> bool:
    """Whether the decoder can give packets of these times in the order of the times."""
    context, ranks = stream.codec_context, sorted(times)
    if len(set(times)) < len(times):
        return False
    if context.codec.canonical_name not in _REORDERED:
        return list(times) == ranks
    if times and times[0] != ranks[0]:  # frames before the first key frame
        return False
    # a frame waits until those before it were decoded: at most as long as the decoder waits
    rank = {time: i for i, time in enumerate(ranks)}
    wait = max((i - rank[time] for i, time in enumerate(times)), default=0)
    if not context.has_b_frames:
        return wait == 0
    # times of decoding in the place of those of presentation are never out of order
    return 0 < wait <= context.reorder_depth or len(times) <= context.reorder_depth


def count(path: Readable) -> Index:
    """What decoding all frames tells.

    Raises:
        VideoError: No video that can be read.
    """
    with opened(path) as (container, stream):
        times: list[int | None] = []
        first_key: int | None = None
        damage = 0
        for frame in frames(container, stream):
            if first_key is None and frame.key_frame:
                first_key = len(times)
            times.append(frame.pts)
            damage += frame.is_corrupt
        skipped = first_key if first_key and not starts_with_key(path) else 0
        kept = array("q", (time for time in times[skipped:] if time is not None))
        sure = len(kept) == len(times) - skipped and _rising(kept)
        rate = _average_rate(container, stream, kept if sure else ())
        table = Index(
            len(times) - skipped,
            frame_size(stream),
            times=None,
            rate=rate,
            tick=Fraction(stream.time_base or 1),
            counted=True,
            skipped=skipped,
            damage=damage,
        )
        if not sure or stream.codec_context.name not in _SEEKABLE:
            return table
        if not is_kind(container, "mov", "matroska"):
            return table
    return _with_keyframes(path, table, kept)


def starts_with_key(path: Readable) -> bool:
    """Whether a file can be decoded from its first packet on, by its flag and its first frame."""
    with opened(path) as (container, stream):
        first = next(packets(container, stream), None)
        if first is None or not first.is_keyframe:
            return False
        if stream.codec_context.name in _WAITING:
            return True
    with opened(path) as (container, stream):
        # copies: without the flag of packets outside of the edit list, which the decoder obeys
        copies = (Packet(bytes(packet)) for packet in packets(container, stream))
        frame = next(frames_of(copies, stream), None)
        return frame is None or bool(frame.key_frame) or frame.pict_type in _ALONE


def _with_keyframes(path: Readable, table: Index, times: array) -> Index:
    place = {time: i for i, time in enumerate(times)}
    with opened(path) as (container, stream):
        may = may_begin(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        flagged = (packet for packet in packets(container, stream) if packet.is_keyframe)
        keys = {packet.pts for packet in flagged if may(bytes(packet))}
    keyframes = array("q", sorted(place[time] for time in keys if time in place))
    return replace(table, times=times, keyframes=keyframes) if keyframes else table


def _rising(times: Sequence[int]) -> bool:
    return all(a < b for a, b in pairwise(times))


def _average_rate(
    container: InputContainer, stream: VideoStream, times: Sequence[int]
) -> float | None:
    """The header's rate where the times agree with it, else that of the times; None: neither.

    Args:
        container: The file.
        stream: Its video.
        times: Of the frames, rising, in units of the stream; empty where they are not known.
    """
    header = float(stream.average_rate) if stream.average_rate else None
    if len(times) < 2 or not stream.time_base:
        return header
    gaps, span = len(times) - 1, float((times[-1] - times[0]) * stream.time_base)
    if is_kind(container, "mpegts", "mpeg"):
        jumps = [b - a for a, b in pairwise(times) if (b - a) * stream.time_base > _JUMP]
        gaps, span = gaps - len(jumps), span - float(sum(jumps) * stream.time_base)
    if span <= 0 or (header is not None and abs(span * header - gaps) <= _CLOSE):
        return header
    return gaps / span
