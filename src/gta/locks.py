"""One process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gta.errors import UsageError

_LOOK_EVERY = 0.005
"""Seconds between two looks at a lock that is waited for."""


@contextmanager
def alone(file: Path, taken: str | None = None) -> Iterator[None]:
    """Holds a lock while what is inside runs; it ends with its process, however that ends.

    Args:
        file: Made if it is not there, and left there; it holds nothing.
        taken: What to say where another process has it; None: it is waited for.

    Raises:
        UsageError: Another process has it.
    """
    lock = FileLock(file, timeout=-1 if taken is None else 0)
    try:
        lock.acquire(poll_interval=_LOOK_EVERY)
    except Timeout as error:
        raise UsageError(taken) from error
    try:
        yield
    finally:
        lock.release()
