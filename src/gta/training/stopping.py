"""Signals that ask a process to end, and their handling."""

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
"""The last is the schedulers' warning before a job's time limit."""
_SAME = 0.3
"""Seconds within which a repeated signal counts once: `timeout` signals a process and its group,
and a wrapper passes on a Ctrl-C that the terminal sends to both."""
_PATIENCE = 5.0
"""Seconds after which a process that does not end by itself is ended."""


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end. Unhandled, it acts as Ctrl-C."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


class Stop:
    """Whether a signal has asked this process to end.

    The first signal raises `Stopped` in the main thread, except in a `held` block, which is
    finished first. The second signal ends the process at once; so does a main thread that does not
    end within some seconds, such as when it waits for a dead disk.
    """

    def __init__(self):
        self.asked: int | None = None
        """Number of the signal."""
        self.kept = ""
        """What is kept, and how to resume; printed when the process ends."""
        self.silent = False
        """Whether another process prints the message."""
        self.over = False
        """Whether all work is done, so that Python's exit may be cut short."""
        self._holds = 0
        self._listens = self._has_printed = False

    def listen(self) -> None:
        """Handles signals from now on. Ignored signals, as under nohup, stay ignored."""
        self.over = False
        if self._listens or threading.current_thread() is not threading.main_thread():
            return
        self._listens = True
        number_r, number_w = os.pipe()
        os.set_blocking(number_w, False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        # written as soon as a signal arrives, even while the main thread is in a library
        signal.set_wakeup_fd(number_w, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(number_r,), daemon=True).start()

    @contextmanager
    def held(self) -> Iterator[None]:
        """The block is not interrupted; call `obey` afterwards."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def obey(self) -> None:
        """Raises `Stopped` if a signal has arrived."""
        if self.asked is not None:
            raise Stopped(self.asked)

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """Ends the process after the block if a signal has arrived, even if the block raises."""
        try:
            yield
        except BaseException:
            if self.asked is not None:
                self.end()
            raise

    def end(self) -> NoReturn:
        """Prints a line and exits with 128 + the signal's number, as shells do."""
        assert self.asked is not None
        self._tell(self.asked)
        atexit._run_exitfuncs()
        self._leave(self.asked)  # torch's own teardown takes seconds

    def _leave(self, number: int) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # the reader is gone
                stream.flush()
        os._exit(128 + number)

    def _tell(self, number: int) -> None:
        if self._has_printed or self.silent:
            return
        self._has_printed = True
        by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        text = f"gta: stopped by {by}" + (f"; {self.kept}" if self.kept else "")
        with suppress(OSError):  # the reader may be gone
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
        """In a thread: handles a second signal, and the time limit."""
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
