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
"""Files in a claimed folder: the lock, and the process that holds it."""
_LOOK_EVERY = 0.005
"""Seconds between two attempts at a lock."""


@contextmanager
def alone(file: Path, taken: str | None = None) -> Iterator[None]:
    """Holds a lock within the context; the end of the process always releases it.

    Args:
        file: An empty file; made if needed, and left there.
        taken: The message if another process holds the lock; None: wait for it.

    Raises:
        UsageError: Another process holds it.
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
    """Claims a folder within the context, even if somebody removes the locked file.

    Raises:
        UsageError: Another process has claimed it; says which.
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
    """A lock on the folder itself, if the system and the disk support it."""
    try:
        import fcntl
    except ImportError:  # Windows, where a locked file cannot be removed
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
    """The kernel and container of this process, in which its process ids are valid.

    Empty if the system does not say.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return ""


def _holder(folder: Path) -> str:
    """The process that has claimed a folder, in words."""
    try:
        about = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f" ({about['pid']} on {about['host']}, since {about['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
