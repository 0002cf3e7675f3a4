"""Disk work during training: one task at a time, on a thread."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Runs one task at a time on a thread, and raises its errors in the caller."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="gta-save")
        self._future: Future[object] | None = None
        self.seconds = 0.0
        """Seconds of the last task, from start to end; 0: there was none."""

    @property
    def is_busy(self) -> bool:
        """Whether a task is running."""
        return self._future is not None and not self._future.done()

    @property
    def problem(self) -> Exception | None:
        """The error of the last task; None: no error, or it is running."""
        if self._future is None or not self._future.done():
            return None
        error = self._future.exception()
        return error if isinstance(error, Exception) else None

    def start(self, work: Callable[[], object]) -> None:
        """Starts a task after the running task has ended.

        Raises:
            Exception: The error of the task before.
        """
        self.wait()
        self._future = self._pool.submit(self._timed, work, time.monotonic())

    def wait(self) -> None:
        """Waits for the running task.

        Raises:
            Exception: Its error, once.
        """
        future, self._future = self._future, None
        if future is not None:
            future.result()

    def close(self) -> None:
        """Waits for the running task and ends the thread, without raising."""
        self._pool.shutdown(wait=True)

    def _timed(self, work: Callable[[], object], began: float) -> None:
        work()
        self.seconds = time.monotonic() - began
