"""Atomic writes: a file is complete or does not exist, whatever happens."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_NO_PERMISSION = ("its permissions do not allow it", "change them")
_REASONS = {
    errno.ENOSPC: ("the disk is full", "make room on it"),
    errno.EDQUOT: ("your share of the disk is used up", "make room in it"),
    errno.EFBIG: ("a file may not be so large there", "raise that limit"),
    errno.EROFS: ("the file system is read-only", "make it writable"),
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.ENOENT: ("the folder is gone", "put it back"),
    errno.EIO: ("the disk does not work", "mend it, or take another"),
    errno.ESTALE: ("the network disk is gone", "mount it again"),
}
_ONLY_WRITING = frozenset(_REASONS) - {errno.EACCES, errno.EPERM, errno.ENOENT, errno.EIO}


def why_not_written(error: OSError) -> tuple[str, str]:
    """The reason of a failed write in words, and the remedy."""
    return _REASONS.get(error.errno or 0, (error.strerror or str(error), "see to that"))


def is_of_writing(error: OSError) -> bool:
    """Whether only a write can have this error: the disk is full, read-only, ..."""
    return error.errno in _ONLY_WRITING


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds the name of the written file to an `OSError` without a name."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """An atomic write: `write` fills a temporary file, which is flushed to the disk and renamed.

    A reader finds the old file or the new file, even after a power failure, and even where several
    processes or threads write it at once. The directory is flushed, too, or the rename could be
    lost.

    Raises:
        OSError: The disk is full, or the like, with the name of the file; the old file is
            unchanged.
    """
    # The same ending: writers such as np.savez depend on it.
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with naming(path), _own(part) as part:
            write(part)
            put_in_place(part, path)
    except OSError as error:
        if error.filename == str(part):  # the user does not know that name
            error.filename, error.filename2 = str(path), None
        raise
    flush_folder(path.parent)


@contextmanager
def _own(part: Path) -> Iterator[Path]:
    """A temporary file that nobody else writes; removed if the writer fails.

    Its name is always the same, so that what a killed writer left is written over; while another
    writer has that file, it is one of this thread alone.
    """
    with _locked(part) as locked:
        if not locked:
            part = part.with_stem(f"{part.stem}-{os.getpid()}-{get_ident()}")
        try:
            yield part
        except BaseException:
            with suppress(OSError):  # the disk may be read-only now, or gone
                part.unlink(missing_ok=True)
            raise


@contextmanager
def _locked(part: Path) -> Iterator[bool]:
    """Whether a file is this writer's within the context; made if needed."""
    if fcntl is None:  # Windows
        yield True
        return
    file = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # the writer before may have renamed it in the meantime
        locked = os.path.samestat(os.fstat(file), os.stat(part))
    except (BlockingIOError, FileNotFoundError):
        locked = False
    except OSError:  # a file system without locks
        locked = True
    try:
        yield locked
    finally:
        os.close(file)


def put_in_place(part: Path, path: Path) -> None:
    """The second half of an atomic write: a finished file in the same folder gets its name."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def flush_folder(path: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None: there is no file, or it holds no JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_text(path: Path, text: str) -> None:
    r"""An atomic write of text, UTF-8.

    A byte of a file name that is not UTF-8 becomes `\udcXX`: the same name again in JSON and YAML.
    """

    def write(part: Path) -> None:
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")

    write_atomically(path, write)
