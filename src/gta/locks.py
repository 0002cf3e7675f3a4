"""One process at a time."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gta.errors import UsageError
from gta.files import write_text

LOCK, HOLDER = ".lock", ".holder.json"
"""In a folder that is claimed: what is locked, and which process has it."""
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


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Holds a folder while what is inside runs, also if somebody removes the file that is locked.

    Raises:
        UsageError: Another process has it; says which.
    """
    taken = (
        f"{folder} is being trained by another process{_holder(folder)}; wait for it, or give "
        f"another --out"
    )
    with alone(folder / LOCK, taken), _folder_itself(folder, taken):
        about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        write_text(folder / HOLDER, json.dumps(about) + "\n")
        try:
            yield
        finally:
            with suppress(OSError):  # the folder may be gone
                (folder / HOLDER).unlink()


@contextmanager
def _folder_itself(folder: Path, taken: str) -> Iterator[None]:
    """A lock on the folder, where the system and the disk know of such."""
    try:
        import fcntl
    except ImportError:  # Windows, where a file that is locked cannot be removed
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(taken) from error
        except OSError:  # some network disks
            pass
        yield
    finally:
        os.close(number)


def kernel_here() -> str:
    """What tells whether a process id means the same here and there: kernel and container.

    Empty where the system does not say.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return ""


def _holder(folder: Path) -> str:
    """Which process says that it has a folder."""
    try:
        about = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f" ({about['pid']} on {about['host']}, since {about['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
