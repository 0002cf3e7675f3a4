"""NAL units of H.264 and HEVC as MP4 and Matroska hold them: each after its length."""

from collections.abc import Iterator


def nal_units(data: bytes, length_size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each unit of a packet; (0, 0), and no more, where the packet is damaged."""
    place, end = 0, len(data)
    while place < end:
        length = int.from_bytes(data[place : place + length_size], "big")
        place += length_size
        if not length or place + length > end:
            yield 0, 0
            return
        yield place, place + length
        place += length
