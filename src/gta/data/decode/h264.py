"""What H.264's parameters tell before a picture is decoded (ITU-T H.264, 7.3.2.1)."""

_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles that go on with the kind of chroma."""


class Parameters:
    """Those in the header of a file (ISO/IEC 14496-15, 5.3.3.1)."""

    def __init__(self, extradata: bytes):
        self.length_size = (extradata[4] & 3) + 1
        """Bytes of the length before each unit."""
        self._known: dict[bytes, bool] = {}
        place, self.whole_frames = 6, True
        """Whether all pictures are whole frames; else they may be fields, two a frame."""
        for _ in range(extradata[5] & 31):
            length = int.from_bytes(extradata[place : place + 2], "big")
            unit = extradata[place + 2 : place + 2 + length]
            self.whole_frames &= self.are_of_frames(unit)
            place += 2 + length

    def are_of_frames(self, unit: bytes) -> bool:
        """Whether a sequence parameter set rules out fields; False where it cannot be read."""
        unit = unit[:256]
        if unit not in self._known:
            try:
                self._known[unit] = _frames_only(unit)
            except IndexError:
                self._known[unit] = False
        return self._known[unit]


def reference_frames(unit: bytes) -> int:
    """Frames that others may refer to at a time, by a sequence parameter set.

    Raises:
        IndexError: It is damaged, or has scaling matrices.
    """
    return _references(_bits_of(unit))


def _frames_only(unit: bytes) -> bool:
    bits = _bits_of(unit)
    _references(bits)
    bits.number(1)
    bits.unsigned()
    bits.unsigned()
    return bool(bits.number(1))


def _bits_of(unit: bytes) -> "Bits":
    return Bits(unit[1:].replace(b"\0\0\3", b"\0\0"))


def _references(bits: "Bits") -> int:
    """What comes up to the number of reference frames."""
    profile = bits.number(8)
    bits.number(16)
    bits.unsigned()
    if profile in _WITH_CHROMA:
        if bits.unsigned() == 3:
            bits.number(1)
        bits.unsigned()
        bits.unsigned()
        bits.number(1)
        if bits.number(1):
            raise IndexError  # scaling matrices: hardly ever, and long
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.number(1)
        for _ in range(2):
            bits.unsigned()
        for _ in range(bits.unsigned()):
            bits.unsigned()
    return bits.unsigned()


class Bits:
    """Bits of a header, read one field after the other.

    Raises:
        IndexError: There are no more, by all its methods.
    """

    def __init__(self, data: bytes):
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._place = 0

    def number(self, size: int) -> int:
        self._place += size
        if self._place > len(self._bits):
            raise IndexError
        return int(self._bits[self._place - size : self._place] or "0", 2)

    def unsigned(self) -> int:
        """An Exp-Golomb code; of a signed number, another of the same length."""
        zeros = 0
        while not self.number(1):
            zeros += 1
        return (1 << zeros) - 1 + (self.number(zeros) if zeros else 0)
