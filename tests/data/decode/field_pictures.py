"""Interlaced H.264 written by hand, since x264 codes no fields: samples as they are (I_PCM)."""

from fractions import Fraction
from pathlib import Path

import av

SIDE = 64
"""Height and width in pixels."""


class _Bits:
    def __init__(self):
        self.bits = ""

    def number(self, size: int, value: int) -> "_Bits":
        self.bits += f"{value:0{size}b}"
        return self

    def codes(self, *values: int) -> "_Bits":
        """Exp-Golomb."""
        for value in values:
            size = (value + 1).bit_length()
            self.number(2 * size - 1, value + 1)
        return self

    def fill(self) -> "_Bits":
        self.bits += "0" * (-len(self.bits) % 8)
        return self

    def unit(self, first: int) -> bytes:
        self.number(1, 1).fill()
        data = int(self.bits, 2).to_bytes(len(self.bits) // 8, "big")
        return b"\0\0\0\1" + bytes([first]) + data


def _parameters() -> bytes:
    sequence = _Bits().number(24, 77 << 16 | 30).codes(0, 4, 2, 1).number(1, 0)
    sequence.codes(SIDE // 16 - 1, SIDE // 32 - 1)
    sequence.number(5, 0b00100)  # fields are possible; no adaptive ones; direct_8x8; no cropping
    picture = _Bits().codes(0, 0).number(2, 0).codes(0, 0, 0).number(3, 0).codes(0, 0, 0)
    return sequence.unit(0x67) + picture.number(3, 0b100).unit(0x68)


def _field(gray: int, number: int, *, bottom: bool, key: bool, key_id: int) -> bytes:
    bits = _Bits().codes(0, 7, 0).number(8, number).number(2, 0b10 | bottom)
    if key:
        bits.codes(key_id)
    bits.number(2 if key else 1, 0).codes(0, 1)
    block = bytes([gray] * 256 + [128] * 128)
    for _ in range(SIDE // 16 * SIDE // 32):
        bits.codes(25).fill()
        bits.bits += "".join(f"{byte:08b}" for byte in block)
    return bits.unit(0x65 if key else 0x61)


def field_coded(path: Path, num_frames: int, *, pair: bool) -> Path:
    """Frames of one gray value each, as `write_video`; both fields in a packet if `pair`."""
    fields = []
    for i in range(num_frames):
        gray = round(16 + (10 + 6 * i) * 219 / 255)
        number, key_id = i % 10, i // 10 % 2
        for bottom in (False, True):
            key = number == 0 and not bottom
            fields.append(_field(gray, number, bottom=bottom, key=key, key_id=key_id))
    raw = path.with_suffix(".h264")
    raw.write_bytes(_parameters() + b"".join(fields))
    packets = [a + b for a, b in zip(fields[::2], fields[1::2], strict=True)] if pair else fields
    step = 3600 if pair else 1800
    with av.open(str(raw)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for i, data in enumerate(packets):
            packet = av.Packet((_parameters() if i == 0 else b"") + data)
            packet.pts = packet.dts = i * step
            packet.duration = step
            packet.time_base = Fraction(1, 90_000)
            packet.is_keyframe = i % (10 if pair else 20) == 0
            packet.stream = stream
            target.mux(packet)
    return path
