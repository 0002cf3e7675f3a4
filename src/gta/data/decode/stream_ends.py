"""The ends of files that are a row of packets: MPEG streams, FLV, Ogg, IVF, GIF."""

from typing import BinaryIO

IN_PACKET = "it ends inside of a packet"
_TAIL = 2**18
"""Bytes from the end in which a packet begins."""
_SYNC = 0x47
_TS_PACKETS = (188, 192, 204)
"""Bytes: plain, with a time before it (m2ts: Blu-ray, AVCHD), with error correction."""


def at(file: BinaryIO, offset: int, length: int) -> bytes:
    """Bytes at a place; fewer at the end of the file."""
    file.seek(offset)
    return file.read(length)


def missing_end(file: BinaryIO, size: int, start: bytes) -> str | None:
    """`IN_PACKET` if the last packet is incomplete; None: whole, or not known."""
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
        head = at(file, offset, 11)
        if head[0] & 0x1F not in (8, 9, 18):
            return None
        if len(head) < 11 or offset + 11 + int.from_bytes(head[1:4]) > size:
            return IN_PACKET
        offset += 15 + int.from_bytes(head[1:4])
    return None


def _ivf(file: BinaryIO, size: int, start: bytes) -> str | None:
    """Frames: 4 bytes of length, 8 of time."""
    offset = int.from_bytes(start[6:8], "little")
    while offset < size:
        head = at(file, offset, 12)
        if len(head) < 12:
            return IN_PACKET
        offset += 12 + int.from_bytes(head[:4], "little")
    return IN_PACKET if offset > size else None


def _ogg(file: BinaryIO, size: int) -> str | None:
    """Pages: 27 bytes, the last of which is the number of the lengths that follow."""
    tail = at(file, max(size - _TAIL, 0), _TAIL)
    page = tail.rfind(b"OggS")
    if page < 0:
        return None
    head = tail[page : page + 27]
    lengths = tail[page + 27 : page + 27 + head[-1]] if len(head) == 27 else b""
    whole = len(head) == 27 and len(lengths) == head[-1]
    return None if whole and page + 27 + len(lengths) + sum(lengths) <= len(tail) else IN_PACKET


def _gif(file: BinaryIO, start: bytes) -> str | None:
    """Blocks up to a semicolon; the data of each in pieces of at most 255 bytes."""
    offset = 13 + _colors(start[10:11])
    while True:
        kind = at(file, offset, 1)
        if kind == b"!":
            offset += 2
        elif kind == b",":
            offset += 11 + _colors(at(file, offset + 9, 1))
        else:
            return IN_PACKET if not kind else None
        while piece := at(file, offset, 1):
            offset += 1 + piece[0]
            if not piece[0]:
                break


def _colors(flags: bytes) -> int:
    """Bytes of a table of colors."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _program_stream(file: BinaryIO, size: int) -> str | None:
    """Packs and packets from a pack near the end: a start code, and 2 bytes of length."""
    begin = max(size - _TAIL, 0)
    tail = at(file, begin, _TAIL)
    offset = tail.find(b"\0\0\1\xba")
    while 0 <= offset < len(tail):
        head = tail[offset : offset + 14]
        if head[:3] != b"\0\0\1"[: len(head)]:
            return None
        if len(head) < 4 or (len(head) < 6 and head[3] != 0xB9):
            return IN_PACKET
        if head[3] == 0xB9:  # the end
            offset += 4
        elif head[3] != 0xBA:
            offset += 6 + int.from_bytes(head[4:6])
        elif head[4] >> 6 == 1:  # MPEG-2
            offset += 14 + (head[13] & 7 if len(head) == 14 else 0)
        else:
            offset += 12
    return IN_PACKET if offset > len(tail) else None


def _transport_stream(file: BinaryIO, size: int, start: bytes) -> str | None:
    """Packets of one size, each with a sync byte."""
    for length in _TS_PACKETS:
        for phase in range(min(length, len(start))):
            row = start[phase::length]
            if len(row) < 3 or set(row) != {_SYNC}:
                continue
            left = (size - phase) % length
            last = at(file, size - left, 1)
            lead = 4 if length == 192 else 0  # the time before the sync byte
            if not left or (lead and left == length - lead):
                return None
            return IN_PACKET if last == bytes([_SYNC]) else None
    return None
