"""Atomic writes: a file is there whole or not at all, whatever happens meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """An atomic write: `write` fills a temporary file, which is flushed to the disk and renamed.

    A reader, and a machine that loses its power, find the old file or the new one. The directory
    is flushed too, or the rename could be lost.

    Raises:
        OSError: The disk is full, or the like; the old file is as it was.
    """
    # The same ending: writers such as np.savez look at it.
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_text(path: Path, text: str) -> None:
    r"""An atomic write of text, UTF-8.

    A byte of a file name that is not UTF-8 becomes `\udcXX`: the same name again in JSON and YAML.
    """

    def write(part: Path) -> None:
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")

    write_atomically(path, write)
