"""Pictures as a video: a folder of them, or those that follow each other in a shard."""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from gta.data.decode import pixels
from gta.data.decode.opening import check_ordinary
from gta.data.decode.picture_names import SeveralSeries, frames_in_order, unread
from gta.data.storage.sources import Member, Readable
from gta.errors import VideoError

Made = TypeVar("Made")

_HEADER = 512
"""Bytes of a tar header, and of the blocks that files are filled up to."""


def list_pictures(folder: Path) -> list[Path]:
    """The frames of a folder in their order (`picture_names` tells the rules).

    Raises:
        VideoError: There are none, or which they are cannot be told.
    """
    try:
        names = _names(folder, folder.stat().st_mtime_ns)
    except SeveralSeries as error:
        raise VideoError(str(folder), str(error)) from error
    if not names:
        raise VideoError(
            folder, f"is a folder without pictures (.jpg, .jpeg, .png ...){_other(folder)}"
        )
    return [folder / name for name in names]


def _other(folder: Path) -> str:
    """What there is instead, in a format that is not read."""
    others = unread(entry.name for entry in folder.iterdir())
    return f"; {others[0]} is in a format that is not read ({len(others)} such)" if others else ""


@lru_cache(maxsize=10_000)
def _names(folder: Path, _modified: int) -> tuple[str, ...]:
    with os.scandir(folder) as entries:
        kinds = {entry.name: entry.is_file() or entry.is_dir() for entry in entries}
    names = tuple(frames_in_order(kinds))
    for name in names:
        if not kinds[name]:
            with suppress(FileNotFoundError):  # a link to nothing is told when it is read
                check_ordinary(folder / name)
    return names


def count(folder: Readable) -> int:
    """The number of pictures.

    Raises:
        VideoError: There are none.
    """
    return len(_Pictures(folder))


def read(
    folder: Readable, choose: Callable[[int], Sequence[int]], make: Callable[[np.ndarray], Made]
) -> list[Made]:
    """What `make` makes of the asked pictures.

    Args:
        folder: Where they are.
        choose: Tells which of them from the number of all.
        make: Gets each picture as soon as it is decoded, uint8 (H, W, 3).

    Raises:
        VideoError: There is no such picture, or it is damaged, too large, of another size than
            the others, or cannot be shown in 8 bits.
    """
    pictures = _Pictures(folder)
    wanted = choose(len(pictures))
    images, shapes = dict[int, Made](), dict[tuple[int, ...], str]()
    for i in sorted(set(wanted)):
        image = pictures.decode(i)
        shapes[image.shape] = pictures.names[i]
        _check_one_size(folder, shapes)
        images[i] = make(image)
    return [images[i] for i in wanted]


def each(folder: Readable) -> Iterator[np.ndarray]:
    """All pictures in order, one at a time, as uint8 (H, W, 3).

    Raises:
        VideoError: As `read`.
    """
    pictures, shapes = _Pictures(folder), dict[tuple[int, ...], str]()
    for i, name in enumerate(pictures.names):
        image = pictures.decode(i)
        shapes.setdefault(image.shape, name)
        _check_one_size(folder, shapes)
        yield image


def size(folder: Readable) -> tuple[int, int]:
    """(height, width) of the first picture.

    Raises:
        VideoError: There is no picture, or it is damaged or too large.
    """
    pictures = _Pictures(folder)
    return pixels.size(pictures.file(0), pictures.names[0], str(folder))


def _check_one_size(folder: Readable, shapes: dict[tuple[int, ...], str]) -> None:
    if len(shapes) > 1:
        sizes = ", ".join(f"{name} is {w}x{h}" for (h, w, _), name in shapes.items())
        raise VideoError(str(folder), f"its pictures differ in size: {sizes}")


class _Pictures:
    """The pictures of a folder, or of a shard, by number."""

    def __init__(self, folder: Readable):
        self.folder = folder
        self._files: list[Path] = []
        self._data = b""
        self._places: list[tuple[int, int]] = []
        if isinstance(folder, Path):
            self._files = list_pictures(folder)
            self.names = [file.name for file in self._files]
        else:
            self._data = folder.read()
            members = list(_tar_members(folder, self._data))
            self.names = [name for name, _, _ in members]
            self._places = [(offset, size) for _, offset, size in members]

    def __len__(self) -> int:
        return len(self.names)

    def decode(self, i: int) -> np.ndarray:
        return pixels.decoded(self.file(i), self.names[i], str(self.folder))

    def file(self, i: int) -> Path | bytes:
        if self._files:
            return self._files[i]
        offset, size = self._places[i]
        return self._data[offset : offset + size]


def _tar_members(member: Member, data: bytes) -> Iterator[tuple[str, int, int]]:
    """(name, offset, size) of the files in a part of a tar file that starts with a header."""
    place = 0
    while place + _HEADER <= len(data):
        name, digits = struct.unpack_from("100s24x12s", data, place)
        try:
            size = int(digits.rstrip(b"\0 "), 8)
        except ValueError as error:
            raise VideoError(str(member), "there is no tar header where one should be") from error
        yield name.rstrip(b"\0").decode(), place + _HEADER, size
        place += _HEADER + -(-size // _HEADER) * _HEADER
