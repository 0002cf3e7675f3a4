"""Signals that ask a process to end, and when they are obeyed."""

import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
)
"""The last is how schedulers warn of the end of the time that a job has."""
_SAME = 0.3
"""Seconds within which a signal is the same again: `timeout` sends each to a process and to its
group, and a wrapper hands on the Ctrl-C that a terminal sends to both."""
_PATIENCE = 5.0
"""Seconds after which a process that does not end by itself is ended."""


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end. Where nothing handles it, it is as Ctrl-C."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


class Stop:
    """Whether a signal has asked this process to end.

    The first one raises `Stopped` wherever the main thread is, but not in what is `held`: that is
    finished first. The second one ends the process at once; so does a main thread that does not
    end within some seconds, as one that waits for a dead disk.
    """

    def __init__(self):
        self.asked: int | None = None
        """Number of the signal."""
        self.kept = ""
        """What is kept, and how to go on; told when the process ends."""
        self.silent = False
        """Whether another process tells of the end."""
        self.over = False
        """Whether all work is done: Python's own end may be cut short."""
        self._holds = 0
        self._listens = self._was_told = False

    def listen(self) -> None:
        """Handles signals from now on. Those that are ignored, as under nohup, stay ignored."""
        self.over = False
        if self._listens or threading.current_thread() is not threading.main_thread():
            return
        self._listens = True
        number_r, number_w = os.pipe()
        os.set_blocking(number_w, False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        # written as soon as a signal comes, also while the main thread is inside of a library
        signal.set_wakeup_fd(number_w, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(number_r,), daemon=True).start()

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is inside is not interrupted; call `obey` afterwards."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def obey(self) -> None:
        """Raises `Stopped` if a signal has come."""
        if self.asked is not None:
            raise Stopped(self.asked)

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """However what is inside ends: if a signal has come, the process ends by that."""
        try:
            yield
        except BaseException:
            if self.asked is not None:
                self.end()
            raise

    def end(self) -> NoReturn:
        """Tells of the end and leaves with 128 and the signal's number, as shells have it."""
        assert self.asked is not None
        self._tell(self.asked)
        atexit._run_exitfuncs()
        self._leave(self.asked)  # to take torch down piece by piece takes seconds

    def _leave(self, number: int) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads any more
                stream.flush()
        os._exit(128 + number)

    def _tell(self, number: int) -> None:
        if self._was_told or self.silent:
            return
        self._was_told = True
        by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        text = f"gta: stopped by {by}" + (f"; {self.kept}" if self.kept else "")
        with suppress(OSError):  # nobody may read it
            os.write(2, f"{text}\n".encode(errors="backslashreplace"))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.over:
            self._leave(number)
        if self.asked is None:
            self.asked = number
            if not self._holds:
                raise Stopped(number)

    def _watch(self, numbers: int) -> None:
        """In a thread: the second signal, and the end of patience."""
        first, patience = None, _PATIENCE
        while True:
            ready, _, _ = select.select([numbers], [], [], None if first is None else 0.1)
            if ready:
                for number in os.read(numbers, 64):
                    if number not in SIGNALS:
                        continue
                    if first is None:
                        first = number, time.monotonic()
                    elif time.monotonic() - first[1] > _SAME:
                        self._end_now(first[0])
            elif first is not None:
                patience = _PATIENCE if self._holds else patience - 0.1
                if patience < 0:
                    self._end_now(first[0])

    def _end_now(self, number: int) -> None:
        try:
            self._tell(number)
        finally:
            os._exit(128 + number)
