"""JPEG or PNG frames as a video: a folder of them, or those that follow each other in a shard."""

import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from gta.errors import VideoError

from .choice import Choice, chosen
from .sources import Member, Readable

try:  # the extra "jpeg": the same pixels in two thirds of the time
    import simplejpeg  # pyright: ignore[reportMissingImports]
except ImportError:
    simplejpeg = None

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
MAX_PIXELS = 8192 * 8192
"""Of one frame of a file or a folder; a small file can claim a picture that fills the memory."""
_HEADER = 512
"""Bytes of a tar header, and of the blocks that files are filled up to."""


def list_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order: 2.jpg before 10.jpg.

    Raises:
        VideoError: There are none.
    """
    names = _names(folder, folder.stat().st_mtime_ns)
    if not names:
        raise VideoError(folder, "is a folder without pictures (.jpg, .jpeg, .png)")
    return [folder / name for name in names]


@lru_cache(maxsize=10_000)
def _names(folder: Path, _modified: int) -> tuple[str, ...]:
    found = [
        entry.name
        for entry in folder.iterdir()
        if entry.suffix.lower() in PICTURE_SUFFIXES
        and not entry.name.startswith((".", "flow_"))  # flow_x_00001.jpg beside img_00001.jpg
    ]
    return tuple(sorted(found, key=_natural))


def _natural(name: str) -> tuple:
    parts = re.split(r"(\d+)", name)
    # text and numbers take turns, so that like is compared with like
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts)), name


def count(folder: Readable) -> int:
    """The number of pictures.

    Raises:
        VideoError: There are none.
    """
    return len(_Pictures(folder))


def read(folder: Readable, choice: Choice) -> np.ndarray:
    """The asked pictures, or all, as uint8 (T, H, W, 3).

    Raises:
        VideoError: There is no such picture, or one is damaged, too large, or of another size than
            the others.
    """
    pictures = _Pictures(folder)
    wanted = chosen(folder, choice, len(pictures))
    images = {i: pictures.decode(i) for i in sorted(set(wanted))}
    shapes = {image.shape: pictures.names[i] for i, image in images.items()}
    _check_one_size(folder, shapes)
    return np.stack([images[i] for i in wanted])


def each(folder: Readable) -> Iterator[np.ndarray]:
    """All pictures in order, one at a time, as uint8 (H, W, 3).

    Raises:
        VideoError: As `read`.
    """
    pictures, shapes = _Pictures(folder), dict[tuple[int, ...], str]()
    for i, name in enumerate(pictures.names):
        image = pictures.decode(i)
        _check_one_size(folder, {image.shape: name} | shapes)
        shapes.setdefault(image.shape, name)
        yield image


def size(folder: Readable) -> tuple[int, int]:
    """(height, width) of the first picture.

    Raises:
        VideoError: There is no picture, or it is damaged or too large.
    """
    with _Pictures(folder).opened(0) as image:
        return image.height, image.width


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
            found = list(_tar_members(folder, self._data))
            self.names = [name for name, _, _ in found]
            self._places = [(offset, size) for _, offset, size in found]

    def __len__(self) -> int:
        return len(self.names)

    def decode(self, i: int) -> np.ndarray:
        with self.opened(i) as image:
            # Pillow has looked at the header: simplejpeg believes any size that is claimed
            if simplejpeg is not None and image.format == "JPEG" and image.mode in ("RGB", "L"):
                return simplejpeg.decode_jpeg(self._bytes(i), colorspace="RGB")
            return np.asarray(image.convert("RGB"))

    @contextmanager
    def opened(self, i: int) -> Iterator[Image.Image]:
        name = self.names[i]
        try:
            with Image.open(self._file(i), formats=("JPEG", "PNG")) as image:
                if image.width * image.height > MAX_PIXELS:
                    claim = f"{name} claims {image.width}x{image.height} pixels"
                    raise VideoError(str(self.folder), f"{claim}, too many to decode")
                yield image
        except VideoError:
            raise
        except Exception as error:  # Pillow raises many types on damaged files
            reason = f"{name} is not a readable JPEG or PNG: {error}"
            raise VideoError(str(self.folder), reason) from error

    def _file(self, i: int) -> Path | io.BytesIO:
        if self._files:
            return self._files[i]
        return io.BytesIO(self._bytes(i))

    def _bytes(self, i: int) -> bytes:
        if self._files:
            return self._files[i].read_bytes()
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
