"""Frames of one video, from a file or a folder of pictures. Every failure is a `VideoError`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error
import torch

from gta.errors import UsageError, VideoError

from . import pictures, video_file
from .choice import Choice


def count_frames(path: Path) -> int:
    """The number of frames that `read_frames` gives.

    MP4 and WebM/Matroska are indexed without decoding; other containers, whose packets are not
    one a frame, are decoded once. Kept in memory as long as the file does not change.

    Raises:
        VideoError: The video cannot be read, or has no frame.
    """
    with _explained(path):
        if path.is_dir():
            return len(pictures.list_pictures(path))
        return video_file.index(path).num_frames


def frame_rate(path: Path) -> float | None:
    """Frames per second of a video on average; None for pictures, and where the file has none.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path):
        return None if path.is_dir() else video_file.index(path).rate


def announced_frames(path: Path) -> int | None:
    """The number of frames that a file's header leads one to expect; None where it does not tell.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path):
        return None if path.is_dir() else video_file.index(path).announced


def read_frames(path: Path, indices: Choice = None) -> torch.Tensor:
    """Reads frames as uint8 (T, 3, H, W), upright, in RGB.

    Args:
        path: A video file, or a folder of JPEG or PNG pictures in the order of their numbers.
        indices: Which frames, from 0, in any order, repeats allowed; None: all. Or a function of
            the number of frames that tells them: it spares `count_frames` and opening a file twice.

    Returns:
        Frames in the asked order. In memory they are (T, H, W, 3), which is what the transforms
        are fastest on; no need to make them contiguous.

    Raises:
        VideoError: The video cannot be read or has no such frame.
    """
    with _explained(path):
        read = pictures.read if path.is_dir() else video_file.read
        return torch.from_numpy(read(path, indices)).permute(0, 3, 1, 2)


def decoded_bytes(path: Path) -> int:
    """The memory that all frames of a video take, known without decoding them all.

    Raises:
        VideoError: The video cannot be read, or has no frame.
    """
    with _explained(path):
        height, width = pictures.size(path) if path.is_dir() else video_file.index(path).size
        return count_frames(path) * height * width * 3


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns whatever PyAV, FFmpeg and Pillow raise on strange files into one error type."""
    try:
        yield
    except UsageError:  # a VideoError is one
        raise
    except Exception as error:
        raise VideoError(path, _reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
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
