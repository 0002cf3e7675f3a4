"""The units (OBUs) of AV1 (AV1 specification, 5.3)."""

from collections.abc import Iterator

AV1_FRAMES = (3, 6)
"""Kinds of units that begin a frame."""
LAYERED, DAMAGED = -1, -2


def av1_units(data: bytes) -> Iterator[tuple[int, int]]:
    """(kind, first byte) of each unit that has both; LAYERED where there is more than one size."""
    place = 0
    while place < len(data):
        header, extended = data[place], data[place] >> 2 & 1
        if header >> 7 or place + 2 > len(data):
            yield DAMAGED, 0
            return
        if extended and data[place + 1] >> 3 & 3:
            yield LAYERED, 0
            return
        place += 1 + extended
        size = len(data) - place
        if header & 2:
            size, shift = 0, 0
            for byte in data[place : place + 8]:
                size, shift, place = size | (byte & 127) << shift, shift + 7, place + 1
                if byte < 128:
                    break
        if place < len(data):
            yield header >> 3 & 15, data[place]
        place += size
