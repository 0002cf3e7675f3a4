"""Checkpoints on the disk: folders that are there whole, and that tell if they were damaged since.

checkpoints/00003-000120/    after 3 epochs and 120 steps of the next
    model.safetensors        and what else the training writes
    manifest.json            size and SHA-256 of each file; written last

A folder is filled under a temporary name, flushed, and renamed; the newest few are kept. A damaged
checkpoint is reported and renamed, and the checkpoint before it is used.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gta.files import flush_folder

T = TypeVar("T")
Chunks = Iterable[bytes | memoryview]
"""The content of a file, piece by piece."""

MANIFEST = "manifest.json"
_NAME = re.compile(r"\d{5,}-\d{6,}")
_LEFT_OVER = re.compile(rf"\.{_NAME.pattern}\.(part|old)")


class DamagedError(Exception):
    """A checkpoint differs from what was written; the text says where."""


def name_of(epoch: int, batch: int) -> str:
    """The name of a checkpoint; names sort by position in the training."""
    return f"{epoch:05d}-{batch:06d}"


class CheckpointFolder:
    """The checkpoints of one run.

    Args:
        folder: Their folder; made with the first checkpoint, in an existing folder.
        keep: How many of the newest are kept.
    """

    def __init__(self, folder: Path, *, keep: int):
        self.folder, self.keep = folder, keep

    def write(self, name: str, files: Mapping[str, Chunks]) -> Path:
        """Makes a folder with these files the newest checkpoint.

        Args:
            name: From `name_of`. A checkpoint of that name is replaced.
            files: Contents by file name.

        Raises:
            OSError: The disk is full, or the like; the old checkpoints are unchanged.
        """
        self.folder.mkdir(exist_ok=True)
        part, path = self.folder / f".{name}.part", self.folder / name
        shutil.rmtree(part, ignore_errors=True)  # left by a killed process
        part.mkdir()
        try:
            listed = {file: _write(part / file, chunks) for file, chunks in files.items()}
            _write(part / MANIFEST, [(json.dumps({"files": listed}) + "\n").encode()])
            flush_folder(part)
            _rename(part, path)
            flush_folder(self.folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        self._remove_older(name)
        return path

    def newest(self, read: Callable[[Path], T], say: Callable[[str], object]) -> T | None:
        """The result of `read` for the newest intact checkpoint; None: there is none.

        Args:
            read: Reads a folder; raises `DamagedError` if it cannot be used.
            say: Takes a line about each damaged checkpoint.
        """
        for path in list(self.all()):
            try:
                verify(path)
                return read(path)
            except DamagedError as error:
                say(f"{_set_apart(path)} is damaged and is not used: {error}")
        return None

    def all(self) -> Iterator[Path]:
        """The checkpoints, the newest first."""
        if self.folder.is_dir():
            names = (entry.name for entry in self.folder.iterdir() if entry.is_dir())
            places = sorted(map(_place, filter(_NAME.fullmatch, names)), reverse=True)
            yield from (self.folder / name_of(*place) for place in places)

    def _remove_older(self, name: str) -> None:
        """Removes older checkpoints beyond `keep`, and what killed processes have left."""
        older = [path for path in self.all() if _place(path.name) <= _place(name)]
        for path in older[self.keep :]:
            with suppress(OSError):  # renamed first: no incomplete folder has a valid name
                _set_old(path)
        for path in self.folder.iterdir():
            if _LEFT_OVER.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)


def verify(path: Path) -> None:
    """Raises `DamagedError` unless all files of a checkpoint match its manifest."""
    try:
        listed = json.loads((path / MANIFEST).read_bytes())["files"]
        described = [(path / name, each["bytes"], each["sha256"]) for name, each in listed.items()]
        if not described:
            raise ValueError("it lists no files")
    except FileNotFoundError:
        raise DamagedError(f"it has no {MANIFEST}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"its {MANIFEST} cannot be read ({error})") from error
    for file, size, digest in described:
        try:
            if file.parent != path or file.stat().st_size != size:
                raise DamagedError(f"{file.name} has not the size that was written")
            if sha256(file) != digest:
                raise DamagedError(f"{file.name} has other bytes than were written (SHA-256)")
        except FileNotFoundError:
            raise DamagedError(f"{file.name} is missing") from None
        except (OSError, ValueError) as error:
            raise DamagedError(f"{file.name} cannot be read ({error})") from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, chunks: Chunks) -> dict[str, int | str]:
    """Writes a file to the disk; returns its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": size, "sha256": digest.hexdigest()}


def _rename(part: Path, path: Path) -> None:
    """Gives a folder its name; an old folder of that name is renamed first."""
    if not path.exists():
        part.replace(path)
        return
    old = _set_old(path)
    part.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def _set_old(path: Path) -> Path:
    """Renames a checkpoint for removal."""
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    return path.replace(old)


def _set_apart(path: Path) -> Path:
    """Renames a damaged checkpoint, so that it does not count among those that are kept."""
    apart = path.with_name(f"damaged-{path.name}")
    with suppress(OSError):  # the disk may be read-only
        shutil.rmtree(apart, ignore_errors=True)
        return path.replace(apart)
    return path


def _place(name: str) -> tuple[int, int]:
    epoch, _, batch = name.partition("-")
    return int(epoch), int(batch)
