"""How many frames a packet shows, told from its bytes without decoding.

Most packets are one frame. Those that are none or several: hidden reference frames of VP8, VP9 and
AV1, packed B-frames of DivX, a field of interlaced H.264 a packet.
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


def shown_frames(codec: str, extradata: bytes | None) -> Shown | None:
    """The function for a stream; None: only decoding can tell.

    Args:
        codec: FFmpeg's name of the kind of compression.
        extradata: What the container keeps for the decoder.
    """
    if codec in _WHOLE:
        return lambda data: 1
    if codec == "h264":
        return _h264(extradata or b"")
    if codec == "hevc":
        return _hevc(extradata or b"")
    return {"vp8": _vp8, "vp9": _vp9, "av1": _av1, "mpeg4": _mpeg4, "mpeg2video": _mpeg2}.get(codec)


def _h264(extradata: bytes) -> Shown | None:
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


def _hevc(extradata: bytes) -> Shown | None:
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


def _vp8(data: bytes) -> int:
    return data[0] >> 4 & 1


def _vp9(data: bytes) -> int:
    return sum(map(_vp9_shown, _vp9_frames(data)))


def _vp9_shown(first: int) -> int:
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


def _av1(data: bytes) -> int | None:
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


def _mpeg4(data: bytes) -> int | None:
    place = data.find(VOP)
    alone = data.find(VOP, place + 1) < 0
    return 1 if place >= 0 and alone and len(data) - place > _LONGEST_EMPTY else None


def _mpeg2(data: bytes) -> int | None:
    if data.count(b"\0\0\1\0") != 1:
        return None
    extension = data.find(b"\0\0\1\xb5", data.find(b"\0\0\1\0"))
    whole = 0 <= extension < len(data) - 6 and data[extension + 6] & 3 == 3
    return 1 if whole else None
