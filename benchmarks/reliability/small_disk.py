"""A disk of a few megabytes for one trial, in memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoMount(Exception):
    """Nobody here may mount a file system."""


@contextmanager
def small_disk(folder: Path, size: str = "4m", *, inodes: int = 0) -> Iterator[Path]:
    """A tmpfs at that folder, which is made; it is gone afterwards.

    Args:
        folder: Where.
        size: As mount has it.
        inodes: So many files and folders at most; 0: any number.

    Raises:
        NoMount: It needs another system, or the right to mount.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size}" + (f",nr_inodes={inodes}" if inodes else "")
    try:
        _mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoMount("needs Linux, and the right to mount a small file system") from error
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def fill(folder: Path, leave: int = 0) -> None:
    """Fills the disk of a folder but for so many bytes."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    if leave:
        with filler.open("ab") as file:
            file.truncate(max(0, filler.stat().st_size - leave))


def make_read_only(folder: Path) -> None:
    """Of a `small_disk`."""
    _mount("-o", "remount,ro", str(folder))


def make_larger(folder: Path, size: str = "64m") -> None:
    """Of a `small_disk`."""
    _mount("-o", f"remount,rw,size={size}", str(folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
