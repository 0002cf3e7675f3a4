"""How many frames a file should have by what its header says, if it is told: is it cut off?"""

import re

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from gta.data.decode.index import Index, index
from gta.data.decode.opening import is_kind, opened, packets
from gta.data.storage.sources import Member, Readable

_SLACK = 0.25
"""Seconds before its announced end at which a whole file with sound may end."""


def announced(path: Readable) -> int | None:
    """The number of frames with those that are cut off; None where the file does not tell.

    MP4 and AVI list their frames. Other headers tell a duration, which is that of the sound where
    it is longer: if what is there does not last so long, the rest is frames at the header's rate.

    Raises:
        VideoError: The video cannot be read.
    """
    table = index(path)
    size = path.size if isinstance(path, Member) else path.stat().st_size
    with opened(path) as (container, stream):
        if is_kind(container, "mov"):
            return table.num_frames + _beyond(stream, size) if stream.frames else None
        if is_kind(container, "avi"):
            return table.num_frames + _missing_in_avi(table, container, stream, size)
        if is_kind(container, "matroska", "flv", "asf"):
            return _by_duration(table, container, stream)
    return None


def _beyond(stream: VideoStream, size: int) -> int:
    """Listed frames that lie after the end of the file."""
    return sum(
        entry.pos + entry.size > size for entry in stream.index_entries if not entry.is_discard
    )


def _missing_in_avi(table: Index, container: InputContainer, stream: VideoStream, size: int) -> int:
    slots = 0  # of equal duration; some may be empty
    for entry in stream.index_entries:
        if entry.pos + entry.size <= size:
            slots = max(slots, entry.timestamp + 1)
    for packet in packets(container, stream):
        slots = max(slots, (packet.dts or 0) + 1)
    missing = max(stream.frames - slots, 0)
    return round(missing * table.num_frames / slots) if slots else missing


def _by_duration(table: Index, container: InputContainer, stream: VideoStream) -> int | None:
    duration = _duration(container, stream)
    rate = float(stream.average_rate) if stream.average_rate else None
    if duration is None:
        return None
    end, end_of_any = 0.0, 0.0
    demuxed = container.demux()
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            break
        if packet.pts is None or packet.time_base is None:
            continue
        last = float((packet.pts + (packet.duration or 0)) * packet.time_base)
        end_of_any = max(end_of_any, last)
        if packet.stream is stream:
            end = max(end, last)
    slack = 1.5 / rate if rate else 0.0
    if len(container.streams) > 1:
        slack += _SLACK
    if end_of_any + slack >= duration:
        return table.num_frames
    if rate is None or table.rate != rate:  # frames come at any time
        return None
    return table.num_frames + round((duration - end) * rate)


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds from 0 to the end, of the video itself where Matroska tells it."""
    whole = container.duration / av.time_base if container.duration else None
    said = re.fullmatch(
        r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "").strip()
    )
    if whole is None or said is None:
        return whole
    hours, minutes, seconds = said.groups()
    return min(whole, int(hours) * 3600 + int(minutes) * 60 + float(seconds))
