"""Processes that read videos, each video within a time limit.

A process that dies at a video, or is at it for too long, is ended and another takes its place. A
death counts when it happens twice: the first may have been meant for the process. Nothing that a
file does reaches the process that asked, and none of these processes outlives it.
"""

import queue
import threading
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from gta.children import from_server, kill_at_exit, without_main
from gta.errors import MachineError
from gta.predict.reading import Read, Seen, serve_views

Key = TypeVar("Key", bound=Hashable)

LIMIT = 60.0
"""Seconds for a video, where nothing else is said."""
CRASHES = "the process that decodes it is killed: it crashes the decoder, or needs too much memory"
_LATE = 2.0
"""Seconds above the limit after which a process is left to itself, whether it ends or not."""
_STARTS = 5
"""Processes in a row that may die before they have begun."""
_STARTING = 300.0
"""Seconds in which a process has begun."""


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


class Decoders(Generic[Key]):
    """A pool of reading processes.

    Args:
        read: Called in the processes; is pickled.
        count: Of processes.
        limit: Seconds for a video.
    """

    def __init__(self, read: Read, count: int, limit: float = LIMIT):
        self.read, self.limit = read, limit
        self._asked = queue.SimpleQueue[tuple[Key, Any] | None]()
        self._answers = queue.SimpleQueue[Decoded[Key] | Exception]()
        server = from_server("gta.data.fork_server", "gta.predict.reading")
        self._context, self._over = server or get_context("spawn"), False
        self._processes = dict[int, Any]()
        self._threads = [
            threading.Thread(target=self._look_after, args=(i,), daemon=True) for i in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, key: Key, path: Any) -> None:
        """Puts a video in the queue; at most as many should wait as may be in memory at once.

        Args:
            key: Comes back with the answer.
            path: What `read` takes: a path, or another small thing that can be pickled.
        """
        self._asked.put((key, path))

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
        for _ in self._threads:
            self._asked.put(None)
        for process in list(self._processes.values()):
            with suppress(ValueError, OSError):
                process.kill()

    def _look_after(self, number: int) -> None:
        """A thread: one process after the other, each until it dies or is ended."""
        connection: Connection | None = None
        try:
            while (asked := self._asked.get()) is not None:
                key, path = asked
                for attempt in (1, 2):
                    connection = connection or self._start(number)
                    try:
                        self._answers.put(self._exchange(number, connection, key, path))
                    except TimeoutError:
                        connection = self._end(number)
                        self._answers.put(Decoded(key, None, too_long(self.limit)))
                    except (EOFError, OSError):
                        connection = self._end(number)
                        if self._over:
                            return
                        if attempt == 1:
                            continue
                        self._answers.put(Decoded(key, None, CRASHES))
                    break
        except Exception as error:  # of a thread nobody would hear it
            if not self._over:
                self._answers.put(error)
        finally:
            self._end(number)

    def _exchange(self, number: int, connection: Connection, key: Key, path: Any) -> Decoded[Key]:
        """Has one video read.

        Raises:
            TimeoutError: It took too long.
            EOFError, OSError: The process has died.
        """
        late, process = threading.Event(), self._processes[number]

        def end() -> None:
            late.set()
            process.kill()

        alarm = threading.Timer(self.limit, end)
        alarm.daemon = True
        alarm.start()
        try:
            connection.send(path)
            if not connection.poll(self.limit + _LATE):
                raise TimeoutError
            answer = connection.recv()
            if isinstance(answer, str):
                return Decoded(key, None, answer)
            shape, order, seen = answer
            stored = torch.empty([shape[axis] for axis in order], dtype=torch.uint8)
            connection.recv_bytes_into(stored.view(-1).numpy())
            return Decoded(key, stored.permute(_inverse(order)), None, seen)
        except (EOFError, OSError):
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            alarm.cancel()

    def _start(self, number: int) -> Connection:
        """Starts a process and waits until it can read."""
        for _ in range(_STARTS):
            ours, theirs = self._context.Pipe()
            with without_main(), _STARTING_ONE:
                process: Any = self._context.Process(  # pyright: ignore[reportAttributeAccessIssue]
                    target=serve_views, args=(theirs, self.read), daemon=True
                )
                process.start()
            kill_at_exit()
            theirs.close()
            self._processes[number] = process
            if self._over:
                process.kill()
            with suppress(EOFError, OSError):
                if ours.poll(_STARTING):
                    ours.recv_bytes()
                    return ours
            self._end(number)
            if self._over:
                break
        raise MachineError(
            "processes that read videos end as soon as they begin, most often because the memory "
            "is full; fewer need less: --decoders 1"
        )

    def _end(self, number: int) -> None:
        process = self._processes.pop(number, None)
        if process is not None:
            process.kill()
            process.join(0)  # one that waits for a dead disk is left to itself


_STARTING_ONE = threading.Lock()
"""`without_main` is not for several threads at once."""


def too_long(limit: float) -> str:
    """What is said of a video that takes more than `limit` seconds."""
    return f"reading it took more than {limit:g} s: damaged, made to be slow, or a slow disk"


def _inverse(order: list[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)
