"""How many samples an MP4 file claims to have: a kilobyte can claim a billion.

FFmpeg makes a list of all samples while it opens a file, 24 bytes each. In most tables each sample
takes bytes of the file, so that the list is no longer than a few files. Where all samples have one
size, or a fragment gives its defaults to all, a number is enough; and each part of an edit list
makes the list anew. (ISO/IEC 14496-12, 8.6 to 8.8.)
"""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from gta.errors import VideoError

MAX_SAMPLES = 20_000_000
"""Of one track: four days at 60 frames per second."""
_INSIDE = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf")
_PER_SAMPLE = 0x000F00
"""Flags of a run of samples that has something of each of them."""
_MOST_BOXES = 2_000_000
_DEEPEST = 8
_MOST_OPENED = 2**26
"""Bytes of a compressed index when it is opened; of an hour they are three million."""


def check_claims(file: BinaryIO, path: str) -> None:
    """Refuses an MP4 file whose index could not be kept in memory.

    Raises:
        VideoError: It claims too many samples.
    """
    track = _Track()
    for number, (kind, start, end) in enumerate(_boxes(file, 0, file.seek(0, 2))):
        if number > _MOST_BOXES:
            raise VideoError(path, f"it is cut into more than {_MOST_BOXES:,} parts")
        if kind == b"trak":
            track = _Track()
        elif kind == b"cmov":
            _check_compressed(file, start, end, path)
        else:
            track.look(file, kind, start, end)
        if track.entries > MAX_SAMPLES:
            raise VideoError(
                path,
                f"its index claims {track.entries:,} samples, more than {MAX_SAMPLES:,}: damaged, "
                f"or made to fill the memory",
            )


class _Track:
    """What the boxes of a track, or of all fragments, claim."""

    def __init__(self) -> None:
        self.equal, self.edits, self.times, self.in_runs = 0, 0, 0, 0
        self.of_any_size = 0
        self.is_sound = False
        self.first_duration = 0

    @property
    def entries(self) -> int:
        """Samples that FFmpeg would list."""
        if self.is_sound and self.times == 1 and self.first_duration == 1:
            return self.in_runs  # sound without compression, which is listed by chunk
        return (self.equal + self.of_any_size) * max(self.edits, 1) + self.in_runs

    def look(self, file: BinaryIO, kind: bytes, start: int, end: int) -> None:
        """Takes up one box."""
        if kind not in (b"stsz", b"stz2", b"stts", b"elst", b"hdlr", b"trun"):
            return
        file.seek(start)
        head = file.read(min(end - start, 16)).ljust(16, b"\0")
        flags, first, second, third = struct.unpack(">4I", head)
        if kind == b"hdlr":
            self.is_sound = head[8:12] == b"soun"
        elif kind == b"stts":
            self.times, self.first_duration = first, third
        elif kind == b"elst":
            self.edits = min(first, (end - start) // 12)
        elif kind == b"stsz" and first:
            self.equal = second
        elif kind in (b"stsz", b"stz2"):
            self.of_any_size = min(second, 2 * (end - start))
        elif kind == b"trun":
            each = 4 * (flags & _PER_SAMPLE).bit_count()
            self.in_runs += min(first, (end - start) // each) if each else first


def _boxes(
    file: BinaryIO, start: int, end: int, depth: int = 0
) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of what is in the boxes of a part of a file, also of boxes in boxes."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        begin = start + 8
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
            begin += 8
        stop = start + size if size else end
        if stop < begin:
            return
        stop = min(stop, end)
        yield kind, begin, stop
        if kind in _INSIDE and depth < _DEEPEST:
            yield from _boxes(file, begin, stop, depth + 1)
        start = stop


def _check_compressed(file: BinaryIO, start: int, end: int, path: str) -> None:
    """An index as QuickTime compressed it until about 2005."""
    for kind, begin, stop in _boxes(file, start, end):
        if kind == b"cmvd":
            file.seek(begin + 4)
            opened = zlib.decompressobj()
            try:
                content = opened.decompress(file.read(stop - begin - 4), _MOST_OPENED)
            except zlib.error:  # FFmpeg will say so
                return
            if opened.unconsumed_tail:
                raise VideoError(path, "its compressed index is too large to be that of a video")
            check_claims(BytesIO(content), path)
