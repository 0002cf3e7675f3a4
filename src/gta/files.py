"""Atomic writes: a file is complete or does not exist, whatever happens."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, get_ident
from typing import Any

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
_LOCK = Lock()
_WRITTEN = set[Path]()
"""Temporary files that threads of this process are writing."""
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

    A reader finds the old file or the new file, even after a power failure, and where several
    threads write it at once; processes must take turns. The directory is flushed, too, or the
    rename could be lost.

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
    """A temporary file that no other thread of this process writes; removed afterwards.

    Its name is always the same, so that what a killed writer left is written over; while another
    thread has that file, it is one of this thread alone.
    """
    with _LOCK:
        first = part not in _WRITTEN
        _WRITTEN.add(part)
    mine = part if first else part.with_stem(f"{part.stem}-{get_ident()}")
    try:
        yield mine
    finally:
        with suppress(OSError):  # the disk may be read-only now, or gone
            mine.unlink(missing_ok=True)
        if first:
            with _LOCK:
                _WRITTEN.discard(part)


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
