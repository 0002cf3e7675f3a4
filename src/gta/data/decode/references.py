"""How many frames a decoder holds so that others can refer to them.

What views need is one frame at a time; what a decoder needs is told by the file, and a small one
can ask for 16 frames of 8K. A decoder that would hold more than `MOST_HELD` bytes is not begun.
"""

from collections.abc import Callable, Iterator

from av.video.format import VideoFormat
from av.video.stream import VideoStream

from gta.data.decode.h264 import Bits, reference_frames
from gta.data.decode.nal import nal_units

MOST_HELD = 2**30
"""Bytes: ten frames of 8K with 10 bits a colour, or 80 of 4K with 8."""
_HOLDS = {"h264": 16, "hevc": 16, "vp9": 8, "av1": 8, "vp8": 3}
"""The most that a kind of compression can refer to; others: two."""
_SPS = {"h264": (7, lambda first: first & 31), "hevc": (33, lambda first: first >> 1 & 63)}
"""The kind of unit that is a sequence parameter set, and what tells the kind."""
_OTHER_BITS = 24
"""Of a pixel whose format is not known yet."""


def check_references(stream: VideoStream) -> Callable[[bytes], None] | None:
    """Refuses a stream whose decoder would hold too much.

    Returns:
        What refuses a packet that asks for more than the header did; None where even the most that
        can be asked for is little enough.

    Raises:
        ValueError: It would hold too much.
    """
    context = stream.codec_context
    codec, head = context.codec.canonical_name, context.extradata or b""
    most = _HOLDS.get(codec, 2)
    if _held(stream, most) <= MOST_HELD:
        return None
    if codec not in _SPS:
        raise ValueError(_too_much(stream, most))
    units = list(_parameter_sets(codec, head, in_header=True))
    asked = max((_asked(codec, unit) for unit in units), default=most)
    if _held(stream, asked) > MOST_HELD:
        raise ValueError(_too_much(stream, asked))

    def check(packet: bytes) -> None:
        for unit in _parameter_sets(codec, packet, length_size=_length_size(codec, head)):
            if _held(stream, (more := _asked(codec, unit))) > MOST_HELD:
                raise ValueError(_too_much(stream, more))

    return check


def _held(stream: VideoStream, references: int) -> int:
    """Bytes of so many frames, of those that wait for their turn, and of the one being decoded."""
    context = stream.codec_context
    bits = VideoFormat(context.pix_fmt).padded_bits_per_pixel if context.pix_fmt else _OTHER_BITS
    frames = references + (context.reorder_depth or 0) + 1
    return frames * context.width * context.height * bits // 8


def _too_much(stream: VideoStream, references: int) -> str:
    context = stream.codec_context
    return (
        f"its decoder would hold {references} frames of {context.width}x{context.height} pixels "
        f"and more ({_held(stream, references) / 1e9:.1f} GB, the limit is {MOST_HELD / 1e9:.1f}). "
        f"Make a smaller copy: ffmpeg -i IN -vf scale=-2:1080 -c:v libx264 -crf 12 OUT.mp4"
    )


def _asked(codec: str, unit: bytes) -> int:
    """Frames that a sequence parameter set asks for; the most there can be, if it is damaged."""
    try:
        found = reference_frames(unit) if codec == "h264" else _of_hevc(unit)
    except IndexError:
        return _HOLDS[codec]
    return min(found, _HOLDS[codec])


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
    found = []
    for _ in range(first, layers + 1):
        found.append(bits.unsigned())
        bits.unsigned()
        bits.unsigned()
    return max(found)


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
