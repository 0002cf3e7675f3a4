"""Frames of one video, wherever it is. Every failure is a `VideoError`."""

from collections.abc import Iterator
from contextlib import contextmanager

import av
import av.error
import numpy as np
import torch

from gta.errors import UsageError, VideoError

from . import pictures, video_file
from .choice import Choice
from .sources import Readable, Source, has_pictures, readable


def count_frames(path: Source) -> int:
    """The number of frames that `read_frames` gives.

    MP4 and WebM/Matroska are indexed without decoding; other containers, whose packets are not
    one a frame, are decoded once. Kept in memory as long as the file does not change.

    Raises:
        VideoError: The video cannot be read, or has no frame.
    """
    with _explained(path) as place:
        if has_pictures(place):
            return pictures.count(place)
        return video_file.index(place).num_frames


def frame_rate(path: Source) -> float | None:
    """Frames per second of a video on average; None for pictures, and where the file has none.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        return None if has_pictures(place) else video_file.index(place).rate


def announced_frames(path: Source) -> int | None:
    """The number of frames that a file's header leads one to expect; None where it does not tell.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        return None if has_pictures(place) else video_file.index(place).announced


def read_frames(path: Source, indices: Choice = None) -> torch.Tensor:
    """Reads frames as uint8 (T, 3, H, W), upright, in RGB.

    Args:
        path: A video file, or a folder of JPEG or PNG pictures in the order of their numbers, or
            either of them in a shard.
        indices: Which frames, from 0, in any order, repeats allowed; None: all. Or a function of
            the number of frames that tells them: it spares `count_frames` and opening a file twice.

    Returns:
        Frames in the asked order. In memory they are (T, H, W, 3), which is what the transforms
        are fastest on; no need to make them contiguous.

    Raises:
        VideoError: The video cannot be read or has no such frame.
    """
    with _explained(path) as place:
        read = pictures.read if has_pictures(place) else video_file.read
        return torch.from_numpy(read(place, indices)).permute(0, 3, 1, 2)


def each_frame(path: Source) -> Iterator[np.ndarray]:
    """The same frames in their order, one in memory at a time, each uint8 (H, W, 3).

    Raises:
        VideoError: The video cannot be read, or one of its frames cannot.
    """
    with _explained(path) as place:
        yield from (pictures.each if has_pictures(place) else video_file.each)(place)


def decoded_bytes(path: Source) -> int:
    """The memory that all frames of a video take, known without decoding them all.

    Raises:
        VideoError: The video cannot be read, or has no frame.
    """
    with _explained(path) as place:
        size = pictures.size if has_pictures(place) else _header_size
        height, width = size(place)
        return count_frames(path) * height * width * 3


def _header_size(path: Readable) -> tuple[int, int]:
    return video_file.index(path).size


@contextmanager
def _explained(path: Source) -> Iterator[Readable]:
    """Turns whatever PyAV, FFmpeg and Pillow raise on strange files into one error type."""
    try:
        yield readable(path)
    except UsageError:  # a VideoError is one
        raise
    except Exception as error:
        raise VideoError(str(path), _reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError) and not isinstance(error, av.error.FFmpegError):
        return "no permission to read it"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, av.error.InvalidDataError):
        return "damaged or cut off: FFmpeg finds invalid data"
    detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"cannot be decoded: {detail}"
