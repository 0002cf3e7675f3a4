"""How many frames a file asks its decoder to hold so that others can refer to them."""

from collections.abc import Iterator

from gta.data.decode.h264 import Bits, reference_frames
from gta.data.decode.nal import nal_units

_SPS = {"h264": (7, lambda first: first & 31), "hevc": (33, lambda first: first >> 1 & 63)}
"""The kind of unit that is a sequence parameter set, and what tells the kind."""
MOST_REFERENCES = {"h264": 16, "hevc": 16, "vp9": 8, "av1": 8, "vp8": 3}
"""The most that a kind of compression can refer to, by FFmpeg's name of it; others: two."""


def asked_in_header(codec: str, head: bytes) -> int:
    """Frames that the header of a file asks for; the most there can be, where it does not tell.

    Args:
        codec: FFmpeg's name of the kind of compression.
        head: What the container keeps for the decoder.
    """
    sets = _parameter_sets(codec, head, in_header=True) if codec in _SPS else ()
    return max((_asked(codec, each) for each in sets), default=MOST_REFERENCES.get(codec, 2))


def asked_in_packet(codec: str, head: bytes, packet: bytes) -> int:
    """Frames that a packet of H.264 or HEVC asks for; 0 where it says nothing of it."""
    sets = _parameter_sets(codec, packet, length_size=_length_size(codec, head))
    return max((_asked(codec, each) for each in sets), default=0)


def _asked(codec: str, unit: bytes) -> int:
    """Frames that a sequence parameter set asks for; the most there can be, if it is damaged."""
    try:
        frames = reference_frames(unit) if codec == "h264" else _of_hevc(unit)
    except IndexError:
        return MOST_REFERENCES[codec]
    return min(frames, MOST_REFERENCES[codec])


def _of_hevc(unit: bytes) -> int:
    """`sps_max_dec_pic_buffering_minus1` (ITU-T H.265, 7.3.2.2 and 7.3.3)."""
    bits = Bits(unit[2:].replace(b"\0\0\3", b"\0\0"))
    bits.number(4)
    layers = bits.number(3)
    bits.number(1 + 96)
    there = [(bits.number(1), bits.number(1)) for _ in range(layers)]
    bits.number(2 * (8 - layers) if layers else 0)
    for profile, level in there:
        bits.number(88 * profile + 8 * level)
    bits.unsigned()
    if bits.unsigned() == 3:
        bits.number(1)
    bits.unsigned()
    bits.unsigned()
    if bits.number(1):
        for _ in range(4):
            bits.unsigned()
    for _ in range(3):
        bits.unsigned()
    first = 0 if bits.number(1) else layers
    buffers = []
    for _ in range(first, layers + 1):
        buffers.append(bits.unsigned())
        bits.unsigned()
        bits.unsigned()
    return max(buffers)


def _length_size(codec: str, head: bytes) -> int:
    """Bytes of the length before each unit; 0: units begin with start codes."""
    if codec == "h264" and len(head) >= 7 and head[0] == 1:
        return (head[4] & 3) + 1
    if codec == "hevc" and len(head) >= 23 and head[0] == 1:
        return (head[21] & 3) + 1
    return 0


def _parameter_sets(
    codec: str, data: bytes, *, in_header: bool = False, length_size: int = 0
) -> Iterator[bytes]:
    """The sequence parameter sets of a header or a packet."""
    kind, kind_of = _SPS[codec]
    if in_header and _length_size(codec, data):
        # an avcC or hvcC: each after a length of two bytes, with counts between them
        place = 6 if codec == "h264" else 23
        while place + 2 < len(data):
            length = int.from_bytes(data[place : place + 2], "big")
            if 0 < length <= len(data) - place - 2 and kind_of(data[place + 2]) == kind:
                yield data[place + 2 : place + 2 + length]
                place += 2 + length
            else:
                place += 1
    elif length_size:
        for start, end in nal_units(data, length_size):
            if end and kind_of(data[start]) == kind:
                yield data[start:end]
    else:
        for part in data.split(b"\0\0\1")[1:]:
            if part and kind_of(part[0]) == kind:
                yield part
