"""How many frames a packet shows, and whether decoding can begin with it, told from its bytes.

Most packets are one frame. Those that are none or several: hidden reference frames of VP8, VP9 and
AV1, packed B-frames of DivX, a field of interlaced H.264 a packet. Containers flag packets with
which decoding can begin, but not all truly: MOV files without a list of key frames (stss) call
every packet one. What the bytes do not tell is left to the flag.
"""

from collections.abc import Callable

from gta.data.decode.av1 import AV1_FRAMES, DAMAGED, LAYERED, av1_units
from gta.data.decode.h264 import Parameters
from gta.data.decode.nal import nal_units

Shown = Callable[[bytes], int | None]
"""Of the bytes of a packet; None: it cannot be told. What is damaged counts as one."""

# nothing but one frame a packet is possible
_WHOLE = frozenset(
    (
        *("mjpeg", "png", "prores", "ffv1", "huffyuv", "ffvhuff", "rawvideo"),
        *("dnxhd", "dvvideo", "jpeg2000", "v210", "cfhd"),
    )
)
MayBegin = Callable[[bytes], bool]
"""Of the bytes of a packet; False: it needs frames before it, whatever its container says."""


def shown_frames(codec: str, extradata: bytes | None) -> Shown | None:
    """The function for a stream; None: only decoding can tell.

    Args:
        codec: FFmpeg's name of the kind of compression.
        extradata: What the container keeps for the decoder.
    """
    if codec in _WHOLE:
        return lambda data: 1
    if codec == "h264":
        return _h264_shows(extradata or b"")
    if codec == "hevc":
        return _hevc_shows(extradata or b"")
    return {
        "vp8": _vp8_shows,
        "vp9": _vp9_shows,
        "av1": _av1_shows,
        "mpeg4": _mpeg4_shows,
        "mpeg2video": _mpeg2_shows,
    }.get(codec)


def _h264_shows(extradata: bytes) -> Shown | None:
    if len(extradata) < 7 or extradata[0] != 1:  # start codes instead of lengths
        return None
    parameters = Parameters(extradata)

    def shown(data: bytes) -> int | None:
        pictures = 0
        for start, end in nal_units(data, parameters.length_size):
            kind = data[start] & 31
            if not end or data[start] >> 7 or kind == 31:
                return 1
            if kind in (1, 2, 5):
                pictures += _is_first(data[start + 1 : start + 2])  # first_mb_in_slice is 0
            elif kind == 7 and not parameters.are_of_frames(data[start:end]):
                return None
        return pictures

    return shown if parameters.whole_frames else None


def _hevc_shows(extradata: bytes) -> Shown | None:
    if len(extradata) < 23 or extradata[0] != 1:
        return None
    length_size = (extradata[21] & 3) + 1

    def shown(data: bytes) -> int | None:
        pictures = 0
        for start, end in nal_units(data, length_size):
            if not end or data[start] >> 7:
                return 1
            kind, more = (
                data[start] >> 1 & 63,
                data[start] & 1 or data[start + 1 : start + 2] >= b"\x08",
            )
            if more:  # of a layer beside the first
                continue
            if kind in (16, 17, 18, 36, 37):  # what refers to before is not decoded from here on
                return None
            if kind < 32:
                pictures += _is_first(
                    data[start + 2 : start + 3]
                )  # first_slice_segment_in_pic_flag
        return pictures

    return shown


def _is_first(data: bytes) -> bool:
    return data >= b"\x80"


def _vp8_shows(data: bytes) -> int:
    return data[0] >> 4 & 1


def _vp9_shows(data: bytes) -> int:
    return sum(map(_vp9_frame_shows, _vp9_frames(data)))


def _vp9_frame_shows(first: int) -> int:
    """Of the first byte of a frame; RFC 9626 and the VP9 specification, 6.2."""
    if first >> 6 != 2:
        return 1
    if first & 0x30 == 0x30:  # profile 3 has a bit more
        first <<= 1
    return int(bool(first & 0x08) or bool(first & 0x02))


def _vp9_frames(data: bytes) -> list[int]:
    """The first byte of each frame of a packet, which may be a superframe (Annex B)."""
    marker = data[-1]
    count, width = (marker & 7) + 1, (marker >> 3 & 3) + 1
    start = len(data) - 2 - count * width
    if marker >> 5 != 6 or start <= 0 or data[start] != marker:
        return [data[0]]
    firsts, place = [], 0
    for i in range(count):
        size = int.from_bytes(data[start + 1 + i * width :][:width], "little")
        if size and place < start:
            firsts.append(data[place])
        place += size
    return firsts


def _av1_shows(data: bytes) -> int | None:
    """Of a temporal unit; AV1 specification, 5.3 and 5.9.2."""
    frames = 0
    for kind, first in av1_units(data):
        if kind == DAMAGED:
            return 1
        if kind == LAYERED:
            return None
        if kind in AV1_FRAMES:
            frames += first >> 7 or first >> 4 & 1
    return frames


VOP = b"\0\0\1\xb6"
_LONGEST_EMPTY = 12
"""Bytes within which a picture of MPEG-4 may say that it is none."""


def _mpeg4_shows(data: bytes) -> int | None:
    place = data.find(VOP)
    alone = data.find(VOP, place + 1) < 0
    return 1 if place >= 0 and alone and len(data) - place > _LONGEST_EMPTY else None


def _mpeg2_shows(data: bytes) -> int | None:
    if data.count(b"\0\0\1\0") != 1:
        return None
    extension = data.find(b"\0\0\1\xb5", data.find(b"\0\0\1\0"))
    whole = 0 <= extension < len(data) - 6 and data[extension + 6] & 3 == 3
    return 1 if whole else None


def may_begin(codec: str, extradata: bytes | None) -> MayBegin:
    """The function for a stream.

    Args:
        codec: FFmpeg's name of the kind of compression.
        extradata: What the container keeps for the decoder.
    """
    head = extradata or b""
    if codec == "h264" and len(head) >= 7 and head[0] == 1:
        return lambda data: _h264_begins(data, (head[4] & 3) + 1)
    if codec == "hevc" and len(head) >= 23 and head[0] == 1:
        return lambda data: _hevc_begins(data, (head[21] & 3) + 1)
    known = {
        "vp8": _vp8_begins,
        "vp9": _vp9_begins,
        "av1": _av1_begins,
        "mpeg4": _mpeg4_begins,
        "mpeg2video": _mpeg2_begins,
    }
    return known.get(codec, lambda data: True)


def _h264_begins(data: bytes, length_size: int) -> bool:
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


def _hevc_begins(data: bytes, length_size: int) -> bool:
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


def _vp8_begins(data: bytes) -> bool:
    return not data[0] & 1


def _vp9_begins(data: bytes) -> bool:
    """RFC 9626, VP9 specification, 6.2: neither an existing frame nor a frame between keys."""
    first = data[0]
    if first & 0x30 == 0x30:  # profile 3 has a bit more
        first <<= 1
    return data[0] >> 6 != 2 or not first & 0x0C


def _av1_begins(data: bytes) -> bool:
    """AV1 specification, 5.5.1 and 5.9.2."""
    for kind, first in av1_units(data):
        if kind == 1 and first & 0x08:  # a still picture, whose header has no type
            return True
        if kind in AV1_FRAMES:
            return not first >> 5  # neither an existing frame nor one of another type
    return True


def _mpeg4_begins(data: bytes) -> bool:
    kind = data[(place := data.find(VOP) + 4) : place + 1]
    return place < 4 or kind < b"\x40"


def _mpeg2_begins(data: bytes) -> bool:
    kind = data[(place := data.find(b"\0\0\1\0") + 5) : place + 1]
    return place < 5 or not kind or kind[0] >> 3 & 7 == 1
