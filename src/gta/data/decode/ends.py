"""Whether a video file ends before the end that it tells.

Containers write the sizes of their parts in bytes, and these are exact. Durations are not: the
sound may be longer than the picture, the first time late, the rate variable, the header without a
duration. Nothing is decoded; of most files a few headers are read. A stream without sizes (raw
H.264, DV), or a transport stream that was cut between two of its packets, cannot tell.
"""

import struct
from collections.abc import Callable
from typing import BinaryIO

_MP4 = frozenset(
    b"ftyp styp moov mdat moof free skip wide pnot uuid meta udta mfra sidx ssix prft emsg".split()
)
_REAL_ERROR = 32
"""Bytes by which writers of RealMedia count their data wrongly; FFmpeg by 10."""
_CLUSTER, _SEGMENT = 0x1F43B675, 0x18538067
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_IN_PACKET = "it ends inside of a packet"
_TAIL = 2**18
"""Bytes from the end in which a packet begins."""
_SYNC = 0x47
_TS_PACKETS = (188, 192, 204)
"""Bytes: plain, with a time before it (m2ts: Blu-ray, AVCHD), with error correction."""


def missing_end(file: BinaryIO, size: int) -> str | None:
    """What of a file is there, if its end is not: "4,120 of 8,230 bytes"; else None.

    Args:
        file: A video, open for reading bytes.
        size: In bytes.
    """
    start = _at(file, 0, 2048)
    for fits, look in _KINDS:
        if fits(start):
            return look(file, size)
    return _in_packet(file, size, start)


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    """Bytes at a place; fewer at the end of the file."""
    file.seek(offset)
    return file.read(length)


def _told(size: int, whole: int) -> str | None:
    return f"{size:,} of {whole:,} bytes" if whole > size else None


def _mp4(file: BinaryIO, size: int) -> str | None:
    """Boxes: size (4 or 8 bytes) and name; size 0: up to the end of the file."""
    offset, name = 0, b""
    while offset < size:
        head = _at(file, offset, 16)
        if len(head) < 8:
            return _IN_PACKET if name in (b"moof", b"mdat") and any(head) else None
        length, name = struct.unpack_from(">I4s", head)
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
        if length < 8 or (name not in _MP4 and not name.isalnum()):
            return None
        if offset + length > size:  # letters at the end may be a phone's own, of no known meaning
            return _told(size, offset + length) if name in _MP4 else None
        offset += length
    return None


def _matroska(file: BinaryIO, size: int) -> str | None:
    """Elements: id and size, each as long as its first byte tells; all bits 1: not known."""
    offset = 0
    while offset < size:
        head = _at(file, offset, 12)
        if not head or not head[0]:
            return None
        id_length = 9 - head[0].bit_length()
        size_at = head[id_length : id_length + 1]
        if not size_at or not size_at[0]:
            return _IN_PACKET if len(head) < 12 else None
        size_length = 9 - size_at[0].bit_length()
        digits = head[id_length : id_length + size_length]
        if len(digits) < size_length:
            return _IN_PACKET
        id = int.from_bytes(head[:id_length])
        length = int.from_bytes(digits) & ((1 << 7 * size_length) - 1)
        unknown = length == (1 << 7 * size_length) - 1
        offset += id_length + size_length
        if unknown and id in (_SEGMENT, _CLUSTER):
            continue  # recorded while it went on: look at what is inside
        if offset + length > size:
            return _told(size, offset + length) if id_length > 1 or length < size else None
        offset += length
    return None


def _avi(file: BinaryIO, size: int) -> str | None:
    """RIFF chunks: name and size; padded to even sizes. RIFF's own size is often wrong."""
    offset = 0
    while offset + 8 <= size:
        name, length = struct.unpack("<4sI", _at(file, offset, 8))
        if name == b"RIFF":
            offset += 12
            continue
        if offset + 8 + length > size:
            known = name in (b"LIST", b"idx1", b"JUNK", b"movi")
            return _told(size, offset + 8 + length) if known and length < 0xFFFF0000 else None
        if not length and name == b"LIST":  # of a recorder that was switched off
            return None
        offset += 8 + length + length % 2
    return None


def _asf(file: BinaryIO, size: int) -> str | None:
    """Objects: a GUID and a size; that of the data is 0 in a live recording."""
    offset = 0
    while offset + 24 <= size:
        head = _at(file, offset, 24)
        (length,) = struct.unpack_from("<Q", head, 16)
        if length < 24:
            return None
        if offset + length > size:
            return _told(size, offset + length) if not offset or head[:16] == _ASF_DATA else None
        offset += length
    return None


def _real(file: BinaryIO, size: int) -> str | None:
    """Chunks: name and size with the header."""
    offset = 0
    while offset + 8 <= size:
        name, length = struct.unpack(">4sI", _at(file, offset, 8))
        if name not in (b".RMF", b"PROP", b"MDPR", b"CONT", b"DATA", b"INDX") or length < 8:
            return None
        if offset + length > size:
            return _told(size, offset + length) if offset + length > size + _REAL_ERROR else None
        offset += length
    return None


def _mxf(file: BinaryIO, size: int) -> str | None:
    """A key of 16 bytes, a length (one byte, or so many as it tells), a value."""
    offset = 0
    while offset < size:
        head = _at(file, offset, 25)
        if head[:4] != b"\x06\x0e\x2b\x34"[: len(head)]:
            return None
        if len(head) < 17:
            return _IN_PACKET
        length, more = head[16], 0
        if length >= 0x80:
            more = length & 0x7F
            length = int.from_bytes(head[17 : 17 + more])
        offset += 17 + more + length
    return _told(size, offset)


def _in_packet(file: BinaryIO, size: int, start: bytes) -> str | None:
    """Of what is a row of packets: `_IN_PACKET` if the last is incomplete, else None.

    MPEG streams, FLV, Ogg, IVF, GIF.
    """
    if start[:3] == b"FLV":
        return _flv(file, size, start)
    if start[:4] == b"DKIF":
        return _ivf(file, size, start)
    if start[:4] == b"OggS":
        return _ogg(file, size)
    if start[:4] == b"GIF8":
        return _gif(file, start)
    if start[:4] == b"\0\0\1\xba":
        return _program_stream(file, size)
    return _transport_stream(file, size, start)


def _flv(file: BinaryIO, size: int, start: bytes) -> str | None:
    """Tags: type, 3 bytes of length, 7 of times; after each, its size once more."""
    offset = int.from_bytes(start[5:9]) + 4
    while offset < size:
        head = _at(file, offset, 11)
        if head[0] & 0x1F not in (8, 9, 18):
            return None
        if len(head) < 11 or offset + 11 + int.from_bytes(head[1:4]) > size:
            return _IN_PACKET
        offset += 15 + int.from_bytes(head[1:4])
    return None


def _ivf(file: BinaryIO, size: int, start: bytes) -> str | None:
    """Frames: 4 bytes of length, 8 of time."""
    offset = int.from_bytes(start[6:8], "little")
    while offset < size:
        head = _at(file, offset, 12)
        if len(head) < 12:
            return _IN_PACKET
        offset += 12 + int.from_bytes(head[:4], "little")
    return _IN_PACKET if offset > size else None


def _ogg(file: BinaryIO, size: int) -> str | None:
    """Pages: 27 bytes, the last of which is the number of the lengths that follow."""
    tail = _at(file, max(size - _TAIL, 0), _TAIL)
    page = tail.rfind(b"OggS")
    if page < 0:
        return None
    head = tail[page : page + 27]
    lengths = tail[page + 27 : page + 27 + head[-1]] if len(head) == 27 else b""
    whole = len(head) == 27 and len(lengths) == head[-1]
    return None if whole and page + 27 + len(lengths) + sum(lengths) <= len(tail) else _IN_PACKET


def _gif(file: BinaryIO, start: bytes) -> str | None:
    """Blocks up to a semicolon; the data of each in pieces of at most 255 bytes."""
    offset = 13 + _colors(start[10:11])
    while True:
        kind = _at(file, offset, 1)
        if kind == b"!":
            offset += 2
        elif kind == b",":
            offset += 11 + _colors(_at(file, offset + 9, 1))
        else:
            return _IN_PACKET if not kind else None
        while piece := _at(file, offset, 1):
            offset += 1 + piece[0]
            if not piece[0]:
                break


def _colors(flags: bytes) -> int:
    """Bytes of a table of colors."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _program_stream(file: BinaryIO, size: int) -> str | None:
    """Packs and packets from a pack near the end: a start code, and 2 bytes of length."""
    begin = max(size - _TAIL, 0)
    tail = _at(file, begin, _TAIL)
    offset = tail.find(b"\0\0\1\xba")
    while 0 <= offset < len(tail):
        head = tail[offset : offset + 14]
        if head[:3] != b"\0\0\1"[: len(head)]:
            return None
        if len(head) < 4 or (len(head) < 6 and head[3] != 0xB9):
            return _IN_PACKET
        if head[3] == 0xB9:  # the end
            offset += 4
        elif head[3] != 0xBA:
            offset += 6 + int.from_bytes(head[4:6])
        elif head[4] >> 6 == 1:  # MPEG-2
            offset += 14 + (head[13] & 7 if len(head) == 14 else 0)
        else:
            offset += 12
    return _IN_PACKET if offset > len(tail) else None


def _transport_stream(file: BinaryIO, size: int, start: bytes) -> str | None:
    """Packets of one size, each with a sync byte."""
    for length in _TS_PACKETS:
        for phase in range(min(length, len(start))):
            row = start[phase::length]
            if len(row) < 3 or set(row) != {_SYNC}:
                continue
            left = (size - phase) % length
            last = _at(file, size - left, 1)
            lead = 4 if length == 192 else 0  # the time before the sync byte
            if not left or (lead and left == length - lead):
                return None
            return _IN_PACKET if last == bytes([_SYNC]) else None
    return None


_KINDS: list[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], str | None]]] = [
    (lambda start: start[4:8] in _MP4, _mp4),
    (lambda start: start[:4] == b"\x1a\x45\xdf\xa3", _matroska),
    (lambda start: start[:4] == b"RIFF" and start[8:11] == b"AVI", _avi),
    (lambda start: start[:8] == b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _asf),
    (lambda start: start[:4] == b".RMF", _real),
    (lambda start: start[:4] == b"\x06\x0e\x2b\x34", _mxf),
]
