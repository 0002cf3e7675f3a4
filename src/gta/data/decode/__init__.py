"""Frames of one video, wherever it is. Every failure to read it is a `VideoError`."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import index as as_integer
from pathlib import Path

import av
import av.error
import numpy as np
import torch

from gta.data.decode import in_order, pictures, video_file
from gta.data.decode.announced import announced
from gta.data.decode.in_order import Passage, TimedFrame
from gta.data.decode.index import index
from gta.data.decode.opening import opened
from gta.data.storage.sources import Member, Readable, Source, Unreadable
from gta.errors import UsageError, VideoError

Choice = Sequence[int] | Callable[[int], Sequence[int]] | None
"""Numbers of frames, or what tells them from the number of all, or None: all."""
Change = Callable[[torch.Tensor], torch.Tensor]
"""What is made of a frame as soon as it is decoded."""


def readable(source: Source | str) -> Readable:
    """A video that can be tried; a path may be text, and begin with `~`.

    Raises:
        VideoError: It was unreadable when its data set was prepared.
    """
    if isinstance(source, Unreadable):
        raise VideoError(source.name, source.reason)
    return Path(source).expanduser() if isinstance(source, str) else source


def has_pictures(source: Readable) -> bool:
    """Whether a video is made of pictures rather than a video file."""
    return source.pictures if isinstance(source, Member) else source.is_dir()


def count_frames(path: Source) -> int:
    """The number of frames that `read_frames` gives: those that can be decoded.

    MP4 and WebM/Matroska are indexed without decoding where each packet is sure to be one frame;
    all else is decoded once. Kept in memory as long as the file does not change.

    Raises:
        VideoError: The video cannot be read, or has no frame.
    """
    with _explained(path) as place:
        if has_pictures(place):
            return pictures.count(place)
        return index(place).num_frames


def frame_rate(path: Source) -> float | None:
    """Frames per second of a video on average; None for pictures, and where nothing tells it.

    The header's rate, unless the times of the frames are others.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        return None if has_pictures(place) else index(place).rate


def announced_frames(path: Source) -> int | None:
    """The number of frames that a whole file would have by its header, if it is cut off.

    That of `count_frames` where nothing is missing; None where the file does not tell.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        return None if has_pictures(place) else announced(place)


def cut_off(path: Source) -> str | None:
    """What of a video file is there, if its end is not, such as "4,120 of 8,230 bytes"; else None.

    Its container tells: the sizes of its parts, not a duration. Known at once where the video has
    just been read.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        return None if has_pictures(place) else index(place).cut_off


def damage(path: Source) -> int:
    """Frames that are missing or seen with damage, of those that were decoded to read it so far.

    Known at once where the video has just been read.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        return 0 if has_pictures(place) else index(place).damage


def frame_times(path: Source) -> list[float] | None:
    """When each frame is shown, in seconds from the first; None where the file does not tell.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        if has_pictures(place):
            return None
        table = index(place)
        if table.times is None:
            return None
        return [float((time - table.times[0]) * table.tick) for time in table.times]


def pixel_aspect(path: Source) -> float:
    """The width of a stored pixel over its height; 1 where it is square, or nothing tells it.

    Frames are given as they are stored, whatever this is; of a video that is stored turned by 90
    degrees, it is that of the pixels before they are turned.

    Raises:
        VideoError: The video cannot be read.
    """
    with _explained(path) as place:
        if has_pictures(place):
            return 1.0
        with opened(place) as (_, stream):
            return float(stream.sample_aspect_ratio or 1)


def read_frames(
    path: Source, indices: Choice = None, *, change: Change | None = None
) -> torch.Tensor:
    """Reads frames as uint8 (T, 3, H, W), upright, in RGB.

    Args:
        path: A video file, or a folder of pictures in the order of their numbers, or either of
            them in a shard.
        indices: Which frames, whole numbers from 0, in any order, repeats allowed; None: all.
            Or a function of the number of frames that tells them: it spares `count_frames` and
            opening a file twice.
        change: What to make of each frame, uint8 (1, 3, H, W) to uint8 (1, 3, H', W'), such as a
            smaller one: it is called as soon as a frame is decoded, so that a clip of large frames
            is never held as a whole. All it gives have one size; it may get a frame again.

    Returns:
        Frames in the asked order. In memory they are (T, H, W, 3), which is what the transforms
        are fastest on; no need to make them contiguous.

    Raises:
        VideoError: The video cannot be read or has no such frame.
        UsageError: The indices are not whole numbers, or there are none.
    """
    with _explained(path) as place:
        read = pictures.read if has_pictures(place) else video_file.read
        choose = partial(_chosen, place, indices)
        if change is None:
            return as_tensor(np.stack(read(place, choose, _itself)))
        return torch.cat(read(place, choose, lambda image: change(as_tensor(image))))


def each_frame(path: Source) -> Iterator[np.ndarray]:
    """The same frames in their order, one in memory at a time, each uint8 (H, W, 3).

    Raises:
        VideoError: The video cannot be read, or one of its frames cannot.
    """
    with _explained(path) as place:
        yield from (pictures.each if has_pictures(place) else video_file.each)(place)


def frames_in_order(
    path: Source, passage: Passage | None = None, *, fps: float | None = None
) -> Iterator[TimedFrame]:
    """What can be decoded of a video, in order, each frame with its time.

    Memory does not grow with the length of the video, and damage in its middle does not end it.

    Args:
        path: As of `read_frames`.
        passage: Is told what becomes known on the way, such as damage.
        fps: Frames per second, in place of the times of the file; of pictures, None is 30.

    Raises:
        VideoError: The video cannot be read, or has no frame.
    """
    with _explained(path) as place:
        each = in_order.each_picture if has_pictures(place) else in_order.each
        yield from each(place, passage or Passage(), fps)


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
    return index(path).size


def _chosen(source: Readable, choice: Choice, num_frames: int) -> list[int]:
    """The frames of a video that are wanted.

    Raises:
        VideoError: It has no such frame.
        UsageError: They are not whole numbers.
    """
    if choice is None:
        return list(range(num_frames))
    given = choice(num_frames) if callable(choice) else choice
    try:
        wanted = [_whole(i) for i in given]
    except TypeError as error:
        raise UsageError(
            f"frames are asked for by a list of whole numbers, from 0, such as [0, 8, 16]; "
            f"got {given!r:.200}"
        ) from error
    if not wanted:
        raise UsageError("no frames were asked for: give their numbers, or None for all")
    for i in wanted:
        if not 0 <= i < num_frames:
            raise VideoError(str(source), f"frame {i} was asked for; it has {num_frames} (from 0)")
    return wanted


def _whole(number: object) -> int:
    """An integer of Python, NumPy or PyTorch, and nothing that would have to be rounded.

    Raises:
        TypeError: It is none.
    """
    if isinstance(number, bool) or str(getattr(number, "dtype", "")).endswith("bool"):
        raise TypeError
    if getattr(number, "ndim", 0):
        raise TypeError
    return as_integer(number)  # pyright: ignore[reportArgumentType]


def _itself(image: np.ndarray) -> np.ndarray:
    return image


def as_tensor(images: np.ndarray) -> torch.Tensor:
    """Of frames (T, H, W, 3), or of one: (T, 3, H, W), the channels last in memory.

    One frame becomes T = 1 in torch: the stride of NumPy's new axis is 0, at which torch no longer
    sees that the channels are last, and what it makes of the frame has them first, for two and a
    half times the time.
    """
    tensor = torch.from_numpy(np.require(images, requirements=("C", "W")))
    return (tensor if images.ndim == 4 else tensor[None]).permute(0, 3, 1, 2)


@contextmanager
def _explained(path: Source) -> Iterator[Readable]:
    """Turns whatever PyAV, FFmpeg and Pillow raise on strange files into one error type."""
    try:
        yield readable(path)
    except UsageError:  # a VideoError is a UsageError
        raise
    except Exception as error:
        raise VideoError(str(path), _reason(error, path)) from error


def _reason(error: Exception, path: Source) -> str:
    if isinstance(error, FileNotFoundError):
        if isinstance(path, str | Path) and os.path.islink(path):
            return f"a link to {os.readlink(path)}, which is not there"
        return "no such file"
    if isinstance(error, PermissionError) and not isinstance(error, av.error.FFmpegError):
        return "no permission to read it"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, av.error.InvalidDataError):
        return "damaged or cut off: FFmpeg finds invalid data"
    detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"cannot be decoded: {detail}"
