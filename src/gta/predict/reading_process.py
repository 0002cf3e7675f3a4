"""One process that reads videos, as the process that asks has it: it is never waited for.

Each message is small enough to be there whole or not at all; pixels come by shared memory, or in
pieces of that size. So a process that stands still in the middle of sending stops nobody who
listens.
"""

import math
import threading
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gta.children import from_server, kill_at_exit, without_main
from gta.predict.reading import Read, Seen, serve_views
from gta.predict.slots import Slot, Slots

_STARTING = 300.0
"""Seconds in which a process has begun."""
_STARTING_ONE = threading.Lock()
"""`without_main` is not for several threads at once."""


@dataclass(slots=True)
class _Coming:
    """A video whose pixels come in pieces."""

    pixels: np.ndarray
    shape: tuple[int, ...]
    order: list[int]
    seen: Seen
    got: int = 0


class ReadingProcess:
    """A process that has just been started.

    Args:
        context: What starts it: see `reading_context`.
        read: What it calls; is pickled.
        slots: Where it puts pixels.
    """

    def __init__(self, context: BaseContext, read: Read, slots: Slots):
        self._slots, self._slot, self._coming = slots, None, None
        self._slot: Slot | None
        self._coming: _Coming | None
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        with without_main(), _STARTING_ONE:
            self._process: Any = context.Process(  # pyright: ignore[reportAttributeAccessIssue]
                target=serve_views, args=(theirs, read, slots.file), daemon=True
            )
            self._process.start()
        kill_at_exit()
        theirs.close()
        self.has_begun = False
        self.late = time.monotonic() + _STARTING
        """When it has taken too long; infinite while it has nothing to do."""

    @property
    def is_free(self) -> bool:
        """Whether it can be asked now."""
        return self.has_begun and self.late == math.inf

    def ask(self, path: Any, limit: float) -> None:
        """Has a video read, within so many seconds."""
        self.late, self._slot = time.monotonic() + limit, self._slots.take()
        try:
            self.connection.send((path, self._slot and self._slot.place))
        except OSError:  # it has died, which is heard when it is listened to
            return

    def hear(self) -> tuple[Tensor, Seen] | str | None:
        """What is there of it, called when something is: a video, why there is none, or None.

        Raises:
            EOFError, OSError: It has died.
        """
        if self._coming is not None:
            return self._piece(self._coming)
        told = self.connection.recv()
        if not self.has_begun:
            self.has_begun, self.late = True, math.inf
            return None
        slot, self._slot = self._slot, None
        if not isinstance(told, str) and told[3]:
            shape, order, seen, _ = told
            self.late = math.inf
            assert slot is not None
            return _views(self._slots.pixels(slot, math.prod(shape)), shape, order), seen
        if slot is not None:
            self._slots.give_back(slot)
        if isinstance(told, str):
            self.late = math.inf
            return told
        shape, order, seen, _ = told
        self._coming = _Coming(np.empty(math.prod(shape), np.uint8), shape, order, seen)
        self._slots.fit(self._coming.pixels.size)
        return None

    def _piece(self, coming: _Coming) -> tuple[Tensor, Seen] | None:
        coming.got += self.connection.recv_bytes_into(coming.pixels.data, coming.got)
        if coming.got < coming.pixels.size:
            return None
        self._coming, self.late = None, math.inf
        return _views(coming.pixels, coming.shape, coming.order), coming.seen

    def kill(self) -> None:
        """Ends it, from any thread."""
        self._process.kill()

    def end(self) -> None:
        """Ends it and forgets it; if it waits for a dead disk it is left to itself."""
        self.connection.close()
        self._process.kill()
        self._process.join(0)

    def is_over(self) -> bool:
        """Whether it is gone after `end`: only then nothing writes into its slot any more."""
        if self._process.exitcode is None:
            return False
        if self._slot is not None:
            self._slots.give_back(self._slot)
            self._slot = None
        return True


def _views(pixels: np.ndarray, shape: tuple[int, ...], order: list[int]) -> Tensor:
    """Pixels in their order in memory as views of a shape."""
    stored = torch.from_numpy(pixels).view([shape[axis] for axis in order])
    return stored.permute(sorted(range(len(order)), key=order.__getitem__))


def reading_context() -> BaseContext:
    """Processes come from a server without threads, which has imported what they need."""
    return from_server("gta.data.fork_server", "gta.predict.reading") or get_context("spawn")
