"""Processes that read videos, each video within a time limit.

A process that dies at a video, or is at it for too long, is ended and another takes its place. A
death counts when it happens twice: the first may have been meant for the process. Nothing that a
file does reaches the process that asked, and none of these processes outlives it.
"""

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NamedTuple, TypeVar

from torch import Tensor

from gta.errors import MachineError
from gta.predict.reading import Read, Seen
from gta.predict.reading_process import ReadingProcess, reading_context
from gta.predict.slots import Slots

Key = TypeVar("Key", bound=Hashable)

LIMIT = 60.0
"""Seconds for a video, where nothing else is said."""
CRASHES = "the process that decodes it is killed: it crashes the decoder, or needs too much memory"
_STARTS = 5
"""Processes in a row that may die before they have begun, for each of the pool."""
_LONG = 300.0
"""Seconds that are waited at a time."""


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Key]):
    """A video that was read, or why it was not."""

    key: Key
    views: Tensor | None
    """uint8 (V, C, T, H, W)."""
    error: str | None = None
    seen: Seen = field(default_factory=Seen)


class Closed(Exception):
    """Nobody reads any more."""


class _Asked(NamedTuple, Generic[Key]):
    """A video in the queue."""

    key: Key
    path: Any
    attempt: int = 1


class Decoders(Generic[Key]):
    """A pool of reading processes, which one thread looks after.

    Args:
        read: Called in the processes; is pickled.
        count: Of processes.
        limit: Seconds for a video.
    """

    def __init__(self, read: Read, count: int, limit: float = LIMIT):
        self.read, self.count, self.limit = read, count, limit
        self._queue = deque[_Asked[Key]]()
        self._answers = queue.SimpleQueue[Decoded[Key] | Exception]()
        self._context, self._slots = reading_context(), Slots()
        self._processes = dict[Connection, ReadingProcess]()
        self._at = dict[ReadingProcess, _Asked[Key]]()
        self._ended = list[ReadingProcess]()
        self._unbegun = 0
        self._over, self._asleep = False, False
        self._wakes, self._wake = self._context.Pipe(duplex=False)
        threading.Thread(target=self._look_after, daemon=True, name="gta-decoders").start()

    def ask(self, key: Key, path: Any) -> None:
        """Puts a video in the queue; at most as many should wait as may be in memory at once.

        Args:
            key: Comes back with the answer.
            path: What `read` takes: a path, or another small thing that can be pickled.
        """
        self._queue.append(_Asked(key, path))
        self._awaken()

    def answer(self) -> Decoded[Key]:
        """The next video that is ready, in any order; waits for it.

        Raises:
            MachineError: The processes cannot be started.
            Closed: The pool was closed meanwhile.
        """
        answer = self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Ends the processes, whatever they are at."""
        self._over = True
        self._answers.put(Closed())
        self._awaken()
        for process in list(self._processes.values()):
            with suppress(ValueError, OSError):
                process.kill()

    def _awaken(self) -> None:
        if self._asleep:
            self._asleep = False
            with suppress(OSError):  # the thread has ended
                self._wake.send_bytes(b"")

    def _look_after(self) -> None:
        """The thread."""
        try:
            while not self._over:
                self._hand_out()
                for connection in self._heard():
                    self._listen(self._processes[connection])
                self._end_late()
        except Exception as error:  # of a thread nobody would hear it
            if not self._over:
                self._answers.put(error)
        finally:
            for process in self._processes.values():
                process.end()
            self._slots.close()

    def _hand_out(self) -> None:
        """Videos to processes that are free; where there are more, one more process."""
        for process in self._processes.values():
            if self._queue and process.is_free:
                self._at[process] = asked = self._queue.popleft()
                process.ask(asked.path, self.limit)
        if self._needs_process:
            self._ended = [process for process in self._ended if not process.is_over()]
            process = ReadingProcess(self._context, self.read, self._slots)
            self._processes[process.connection] = process

    @property
    def _needs_process(self) -> bool:
        starting = sum(not process.has_begun for process in self._processes.values())
        return len(self._queue) > starting and len(self._processes) < self.count

    def _heard(self) -> list[Connection]:
        """Waits until a process has something to say, is late, or can have what is asked for."""
        free = any(process.is_free for process in self._processes.values())
        self._asleep = free or len(self._processes) < self.count
        if self._over or self._needs_process or (free and self._queue):  # in the right order
            left = 0.0
        else:
            late = min((process.late for process in self._processes.values()), default=math.inf)
            left = max(0.0, late - time.monotonic())
        heard = wait([self._wakes, *self._processes], min(left, _LONG))
        self._asleep = False
        if self._wakes in heard:
            heard.remove(self._wakes)
            self._wakes.recv_bytes()
        return heard  # pyright: ignore[reportReturnType]

    def _listen(self, process: ReadingProcess) -> None:
        begun = process.has_begun
        try:
            told = process.hear()
        except (EOFError, OSError):
            self._has_ended(process)
            return
        if process.has_begun and not begun:
            self._unbegun = 0
        if told is not None:
            key = self._at.pop(process).key
            error = told if isinstance(told, str) else None
            views, seen = (None, Seen()) if isinstance(told, str) else told
            self._answers.put(Decoded(key, views, error, seen))

    def _has_ended(self, process: ReadingProcess) -> None:
        """What it was at is tried once more."""
        self._end(process)
        asked = self._at.pop(process, None)
        if asked is not None and asked.attempt == 1:
            self._queue.appendleft(asked._replace(attempt=2))
        elif asked is not None:
            self._answers.put(Decoded(asked.key, None, CRASHES))

    def _end_late(self) -> None:
        now = time.monotonic()
        for process in [process for process in self._processes.values() if process.late <= now]:
            self._end(process)
            if process in self._at:
                key = self._at.pop(process).key
                self._answers.put(Decoded(key, None, too_long(self.limit)))

    def _end(self, process: ReadingProcess) -> None:
        """Ends a process; another takes its place when it is needed.

        Raises:
            MachineError: None of them begins.
        """
        del self._processes[process.connection]
        process.end()
        self._ended.append(process)
        if process.has_begun:
            return
        self._unbegun += 1
        if self._unbegun >= _STARTS * self.count:
            raise MachineError(
                "processes that read videos end as soon as they begin, most often because the "
                "memory is full; fewer need less: --decoders 1"
            )


def too_long(limit: float) -> str:
    """What is said of a video that takes more than `limit` seconds."""
    return f"reading it took more than {limit:g} s: damaged, made to be slow, or a slow disk"
