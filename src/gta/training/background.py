"""Work on the disk beside the training: one piece after the other, on a thread."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Runs one piece of work at a time on a thread, and raises here what went wrong there."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="gta-save")
        self._future: Future[object] | None = None
        self.seconds = 0.0
        """What the last piece of work took, from its start until it was done; 0: there was none."""

    @property
    def is_busy(self) -> bool:
        """Whether a piece of work is under way."""
        return self._future is not None and not self._future.done()

    @property
    def problem(self) -> Exception | None:
        """What the last piece of work raised; None: nothing, or it is under way."""
        if self._future is None or not self._future.done():
            return None
        error = self._future.exception()
        return error if isinstance(error, Exception) else None

    def start(self, work: Callable[[], object]) -> None:
        """Begins a piece of work, after the one under way.

        Raises:
            Exception: What the one before raised.
        """
        self.wait()
        self._future = self._pool.submit(self._timed, work, time.monotonic())

    def wait(self) -> None:
        """Waits for the work under way.

        Raises:
            Exception: What it raised, once.
        """
        future, self._future = self._future, None
        if future is not None:
            future.result()

    def close(self) -> None:
        """Waits for the work under way and ends the thread; nothing is raised."""
        self._pool.shutdown(wait=True)

    def _timed(self, work: Callable[[], object], began: float) -> None:
        work()
        self.seconds = time.monotonic() - began
