"""One picture as uint8 RGB, upright: exactly, or not at all."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from gta.errors import VideoError

try:  # the extra "jpeg": the same pixels in two thirds of the time
    import simplejpeg  # pyright: ignore[reportMissingImports]
except ImportError:
    simplejpeg = None

MAX_PIXELS = 8192 * 8192
"""Of one frame of a file or a folder; a small file can claim a picture that fills the memory."""
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM")
_MODES = frozenset(
    {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
)
"""Pillow's names of what has 8 bits a color."""
_ORIENTATION = 0x0112
UPRIGHT = 1
_TURNED = range(2, 9)
"""EXIF's other ways in which a picture is stored: phones turn the label, not the pixels."""


@contextmanager
def opened(file: Path | bytes, name: str, folder: str) -> Iterator[Image.Image]:
    """A picture whose pixels are not decoded yet.

    Args:
        file: Where it is, or what it holds.
        name: Its own name.
        folder: The video that it is a frame of, for errors.

    Raises:
        VideoError: It is damaged, too large, or what one frame of 8 bits a color cannot show;
            also where that is found out by the caller.
    """
    try:
        source = file if isinstance(file, Path) else io.BytesIO(file)
        with Image.open(source, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                claim = f"{name} claims {image.width}x{image.height} pixels"
                raise VideoError(folder, f"{claim}, too many to decode")
            _check_kind(image, name, folder)
            yield image
    except VideoError:
        raise
    except Exception as error:  # Pillow raises many types on damaged files
        raise VideoError(folder, f"{name} is not a readable {_kind(name)}: {error}") from error


def decoded(file: Path | bytes, name: str, folder: str) -> np.ndarray:
    """A picture as uint8 (H, W, 3). Transparency is left out; of 16-bit colors, the high bytes.

    Raises:
        VideoError: As `opened`.
    """
    with opened(file, name, folder) as image:
        # Pillow has looked at the header: simplejpeg believes any size that is claimed
        if simplejpeg is not None and image.format == "JPEG" and image.mode in ("RGB", "L"):
            data = file.read_bytes() if isinstance(file, Path) else file
            pixels = simplejpeg.decode_jpeg(data, colorspace="RGB")
        else:
            image.load()
            pixels = np.asarray(_rgb(image))
        return upright(pixels, _stored_as(image))


def upright(image: np.ndarray, stored: int) -> np.ndarray:
    """A picture (H, W, ...) that was stored in one of EXIF's eight ways, as it is to be seen.

    Args:
        image: Pixels as stored.
        stored: EXIF's orientation, 1 to 8; 1 and unknown numbers change nothing.
    """
    if stored not in _TURNED:
        return image
    if stored >= 5:
        image = image.swapaxes(0, 1)
    if stored in (3, 4, 7, 8):
        image = image[::-1]
    if stored in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image


def size(file: Path | bytes, name: str, folder: str) -> tuple[int, int]:
    """(height, width) of a picture as `decoded` gives it.

    Raises:
        VideoError: As `opened`.
    """
    with opened(file, name, folder) as image:
        if image.format != "JPEG":  # others may tell at their end how they are turned
            image.load()
        turned = _stored_as(image) >= 5
        return (image.width, image.height) if turned else (image.height, image.width)


def _rgb(image: Image.Image) -> Image.Image:
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        image = ImageChops.invert(image)  # Pillow takes all for Adobe's, which are inverted
    return image.convert("RGB")


def _stored_as(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, UPRIGHT))
    except Exception:  # what is written beside a picture may be anything
        return UPRIGHT


def _check_kind(image: Image.Image, name: str, folder: str) -> None:
    tiles = getattr(image, "tile", ())  # what is in the file, before Pillow makes a mode of it
    raw = str(tiles[0][3]) if tiles else ""
    if image.mode.startswith("I") or raw.startswith("LA;16"):
        raise VideoError(folder, f"{name} has 16 or more bits of gray a pixel{_OF_RANGE}")
    if image.mode == "F":
        raise VideoError(folder, f"{name} has fractional numbers as pixels{_OF_RANGE}")
    if image.mode not in _MODES:
        raise VideoError(
            folder, f"{name} has colors of the kind {image.mode}: convert it to 8-bit RGB"
        )
    num_frames = getattr(image, "n_frames", 1)
    if num_frames > 1 and image.format != "MPO":  # a JPEG with a preview
        raise VideoError(
            folder, f"{name} holds {num_frames} pictures: save each frame as a picture of its own"
        )


_OF_RANGE = (
    " (depth? thermal?); frames have 8 bits, and which range of values matters only you can tell: "
    "convert the pictures to 8-bit gray or RGB"
)


def _kind(name: str) -> str:
    return "JPEG or PNG" if name.lower().endswith((".jpg", ".jpeg", ".png")) else "picture"
