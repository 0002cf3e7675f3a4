"""A video that comes through a pipe: kept in a temporary file, so that it is read as any other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gta.errors import UsageError, VideoError

LARGEST = 2**34
"""Bytes that are taken: a pipe may have no end, and the disk has an end."""
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Received:
    """A video that came through a pipe."""

    path: Path
    """A temporary file: a video, or frames one after the other."""
    frames: np.ndarray | None = None
    """uint8 (T, H, W, 3), on the disk until they are looked at; None: the file is a video."""
    cut_off: str | None = None
    """What of raw frames is there, where the last frame is not whole."""


@contextmanager
def received(
    stream: BinaryIO, *, size: tuple[int, int] | None = None, largest: int = LARGEST
) -> Iterator[Received]:
    """What a pipe gives, up to its end; the temporary file is there as long as the context.

    Args:
        stream: Such as `sys.stdin.buffer`; read a piece at a time.
        size: (height, width) of raw frames, RGB, a byte for each value, as `ffmpeg -f rawvideo
            -pix_fmt rgb24` writes them; None: it is a video file.
        largest: Bytes that are taken.

    Raises:
        VideoError: There is nothing, not one whole frame, or more than `largest` bytes.
    """
    with tempfile.TemporaryDirectory(prefix="gta-") as folder:
        path = Path(folder) / "standard input"
        with path.open("wb") as file:
            length = 0
            while piece := stream.read(_CHUNK):
                length += len(piece)
                if length > largest:
                    raise VideoError(
                        "standard input",
                        f"has more than {largest:,} bytes: what has no end is a stream, "
                        f"and what is large is given as a file",
                    )
                file.write(piece)
        if not length:
            raise VideoError("standard input", "is empty (0 bytes)")
        if size is None:
            yield Received(path)
            return
        height, width = size
        count, rest = divmod(length, height * width * 3)
        if not count:
            raise VideoError(
                "standard input",
                f"{length:,} bytes are no frame of {width}x{height} RGB pixels, which has "
                f"{height * width * 3:,}; is --size WIDTHxHEIGHT that of the frames?",
            )
        # copy on write: torch takes no memory that it may not write to
        frames = np.memmap(path, np.uint8, mode="c", shape=(count, height, width, 3))
        told = f"{count} frames and {rest:,} of {height * width * 3:,} bytes of the next"
        yield Received(path, frames, told if rest else None)


def parse_size(text: str) -> tuple[int, int]:
    """(height, width) of "WIDTHxHEIGHT", as FFmpeg writes it.

    Raises:
        UsageError: It is something else.
    """
    width, x, height = text.lower().partition("x")
    if not x or not width.isdecimal() or not height.isdecimal() or not int(width) * int(height):
        raise UsageError(f"a size is WIDTHxHEIGHT in pixels, such as 640x360; got {text!r}")
    return int(height), int(width)
