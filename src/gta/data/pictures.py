"""A folder of JPEG or PNG frames as a video."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from gta.errors import VideoError

from .choice import Choice, chosen

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
MAX_PIXELS = 8192 * 8192
"""Of one frame of a file or a folder; a small file can claim a picture that fills the memory."""


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


def read(folder: Path, choice: Choice) -> np.ndarray:
    """The asked pictures as uint8 (T, H, W, 3).

    Raises:
        VideoError: There is no such picture, or one is damaged, too large, or of another size than
            the others.
    """
    paths = list_pictures(folder)
    indices = chosen(folder, choice, len(paths))
    images = {i: _read_picture(folder, paths[i]) for i in sorted(set(indices))}
    shapes = {image.shape: paths[i].name for i, image in images.items()}
    if len(shapes) > 1:
        sizes = ", ".join(f"{name} is {w}x{h}" for (h, w, _), name in shapes.items())
        raise VideoError(folder, f"its pictures differ in size: {sizes}")
    return np.stack([images[i] for i in indices])


def size(folder: Path) -> tuple[int, int]:
    """(height, width) of the first picture.

    Raises:
        VideoError: There is no picture, or it is damaged or too large.
    """
    with _opened(folder, list_pictures(folder)[0]) as image:
        return image.height, image.width


def _read_picture(folder: Path, path: Path) -> np.ndarray:
    with _opened(folder, path) as image:
        return np.asarray(image.convert("RGB"))


@contextmanager
def _opened(folder: Path, path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MAX_PIXELS:
                claim = f"{path.name} claims {image.width}x{image.height} pixels"
                raise VideoError(folder, f"{claim}, too many to decode")
            yield image
    except VideoError:
        raise
    except Exception as error:  # Pillow raises many types on damaged files
        raise VideoError(folder, f"{path.name} is not a readable JPEG or PNG: {error}") from error
