"""Whether decoding can begin with a packet, told from its bytes.

Containers flag such packets, but not all truly: MOV files without a list of key frames (stss) call
every packet one. What the bytes do not tell is left to the flag.
"""

from collections.abc import Callable

from gta.data.decode.av1 import AV1_FRAMES, av1_units
from gta.data.decode.nal import nal_units
from gta.data.decode.shown import VOP

MayBegin = Callable[[bytes], bool]
"""Of the bytes of a packet; False: it needs frames before it, whatever its container says."""


def may_begin(codec: str, extradata: bytes | None) -> MayBegin:
    """The function for a stream.

    Args:
        codec: FFmpeg's name of the kind of compression.
        extradata: What the container keeps for the decoder.
    """
    head = extradata or b""
    if codec == "h264" and len(head) >= 7 and head[0] == 1:
        return lambda data: _h264(data, (head[4] & 3) + 1)
    if codec == "hevc" and len(head) >= 23 and head[0] == 1:
        return lambda data: _hevc(data, (head[21] & 3) + 1)
    known = {"vp8": _vp8, "vp9": _vp9, "av1": _av1, "mpeg4": _mpeg4, "mpeg2video": _mpeg2}
    return known.get(codec, lambda data: True)


def _h264(data: bytes, length_size: int) -> bool:
    """ITU-T H.264, 7.3.1 and 7.3.3."""
    for start, end in nal_units(data, length_size):
        kind = data[start] & 31 if end else 0
        if kind == 6 and _recovers(data[start + 1 : end]):
            return True
        if kind in (1, 2):
            return _slice_type(data[start + 1 : start + 17]) % 5 in (2, 4)  # I and SI
        if kind == 5:
            return True
    return True


def _slice_type(header: bytes) -> int:
    """The second of two Exp-Golomb codes; 2, as an I slice has, where it is cut off."""
    bits = "".join(f"{byte:08b}" for byte in header)
    place = 2 * bits.find("1") + 1
    zeros = bits.find("1", place) - place
    code = bits[place + zeros : place + 2 * zeros + 1]
    return int(code, 2) - 1 if zeros >= 0 and code else 2


def _hevc(data: bytes, length_size: int) -> bool:
    """ITU-T H.265, 7.4.2.2."""
    for start, end in nal_units(data, length_size):
        kind = data[start] >> 1 & 63 if end else 63
        if kind == 39 and _recovers(data[start + 2 : end]):
            return True
        if kind < 32:
            return kind >= 16
    return True


def _recovers(messages: bytes) -> bool:
    """Whether a unit of SEI messages has a recovery point, from which decoding can begin."""
    place = 0
    while place + 2 < len(messages):
        kind = size = 0
        while place < len(messages) and messages[place] == 255:
            kind, place = kind + 255, place + 1
        kind, place = kind + sum(messages[place : place + 1]), place + 1
        while place < len(messages) and messages[place] == 255:
            size, place = size + 255, place + 1
        size, place = size + sum(messages[place : place + 1]), place + 1
        if kind == 6:
            return True
        place += size
    return False


def _vp8(data: bytes) -> bool:
    return not data[0] & 1


def _vp9(data: bytes) -> bool:
    """RFC 9626 and the VP9 specification, 6.2: neither an existing frame nor one between keys."""
    first = data[0]
    if first & 0x30 == 0x30:  # profile 3 has a bit more
        first <<= 1
    return data[0] >> 6 != 2 or not first & 0x0C


def _av1(data: bytes) -> bool:
    """AV1 specification, 5.5.1 and 5.9.2."""
    for kind, first in av1_units(data):
        if kind == 1 and first & 0x08:  # a still picture, whose header has no type
            return True
        if kind in AV1_FRAMES:
            return not first >> 5  # neither an existing frame nor one of another type
    return True


def _mpeg4(data: bytes) -> bool:
    kind = data[(place := data.find(VOP) + 4) : place + 1]
    return place < 4 or kind < b"\x40"


def _mpeg2(data: bytes) -> bool:
    kind = data[(place := data.find(b"\0\0\1\0") + 5) : place + 1]
    return place < 5 or not kind or kind[0] >> 3 & 7 == 1
