"""Memory that processes which read share with the process that scores.

Pixels of a clip that go through a pipe are copied three times, some of it while no other thread of
the receiving process runs, into memory whose pages are new each time. A slot is written once, by
the process that reads, and its pages are used again.
"""

import mmap
import os
import weakref
from contextlib import suppress
from multiprocessing.reduction import DupFd
from typing import Any, NamedTuple

import numpy as np

_AT_ONCE = 8
"""Slots that are made together."""


class Slot(NamedTuple):
    """A part of the memory."""

    memory: mmap.mmap
    start: int
    """Its first byte in `memory`."""
    place: "Place"


class Place(NamedTuple):
    """What a process that reads has to know of a slot."""

    start: int
    """Its first byte in the file."""
    size: int


class File:
    """The file without a name that the memory is; can be sent to a new process."""

    def __init__(self, number: int):
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (DupFd(self.number),)

    def write(self, place: Place, pixels: np.ndarray) -> bool:
        """Puts pixels, uint8 (N,), there, if there is room for them."""
        if len(pixels) > place.size:
            return False
        try:
            return os.pwrite(self.number, pixels.data, place.start) == len(pixels)
        except OSError:  # the memory is full
            return False

    def close(self) -> None:
        """The memory stays for those who have mapped it."""
        os.close(self.number)


def _received(number: Any) -> File:
    return File(number.detach())


class Slots:
    """Slots of one size, as many as are in use at a time."""

    def __init__(self):
        self.file = _file()
        """None: this system has none, and there are no slots."""
        self._size, self._made = 0, 0
        self._free = list[Slot]()

    def fit(self, size: int) -> None:
        """Says how many bytes a slot has; the first to say it decides."""
        if not self._size:
            self._size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY

    def take(self) -> Slot | None:
        """A slot that nobody uses; None: there is none, or no size is known."""
        if not self._free and self._size and self.file is not None:
            with suppress(OSError, ValueError):  # no room for more
                self._add(self.file.number)
        return self._free.pop() if self._free else None

    def give_back(self, slot: Slot) -> None:
        """Nobody uses it any more."""
        self._free.append(slot)

    def pixels(self, slot: Slot, count: int) -> np.ndarray:
        """What was written, uint8 (count,); the slot is given back when nobody has it any more."""
        written = np.frombuffer(slot.memory, np.uint8, count, slot.start)
        weakref.finalize(written, self._free.append, slot).atexit = False
        return written

    def close(self) -> None:
        """No more slots; what was written stays for those who have it."""
        file, self.file = self.file, None
        if file is not None:
            file.close()

    def _add(self, number: int) -> None:
        begin, size = self._made * self._size, _AT_ONCE * self._size
        os.ftruncate(number, begin + size)
        memory = mmap.mmap(number, size, offset=begin)
        self._made += _AT_ONCE
        for start in range(0, size, self._size):
            self._free.append(Slot(memory, start, Place(begin + start, self._size)))


def _file() -> File | None:
    if not hasattr(os, "memfd_create"):  # macOS, Windows
        return None
    with suppress(OSError):
        return File(os.memfd_create("gta-clips"))
    return None
