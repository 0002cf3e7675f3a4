"""Frames in memory, as people have them, in the form of `read_frames`."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gta.errors import UsageError

Frames = Tensor | np.ndarray | Sequence[Any]
"""A tensor or array, or a list of pictures (arrays or those of Pillow)."""


def as_frames(video: Frames) -> Tensor:
    """RGB frames of 0 to 255 as uint8 (T, 3, H, W).

    Args:
        video: (T, H, W, 3) or (T, 3, H, W), uint8.

    Raises:
        UsageError: It is something else, or could be both.
    """
    frames = video if isinstance(video, Tensor) else _tensor(video)
    shape = tuple(frames.shape)
    if frames.dtype != torch.uint8:
        raise UsageError(
            f"frames are uint8, from 0 to 255; got {str(frames.dtype).removeprefix('torch.')}. Of "
            f"numbers from 0 to 1, take (frames * 255).round() as uint8."
        )
    if 0 in shape:
        raise UsageError(f"there are no frames: got shape {shape}")
    first, last = len(shape) == 4 and shape[1] == 3, len(shape) == 4 and shape[3] == 3
    if first == last:
        raise UsageError(
            f"a video in memory is (T, H, W, 3) or (T, 3, H, W), RGB; got {shape}{_way_out(shape)}"
        )
    return frames if first else frames.permute(0, 3, 1, 2)


def _tensor(video: Any) -> Tensor:
    if isinstance(video, bytes):
        raise _other(video, ": a path is text or a Path, as os.fsdecode(...) makes it")
    if not isinstance(video, np.ndarray):
        video = _pictures(video)
    try:
        array = video if isinstance(video, np.ndarray) else np.stack(video)
        if array.dtype == object:
            raise TypeError(f"it holds {type(array.flat[0]).__name__}")
        if any(step < 0 for step in array.strides) or not array.flags.writeable:
            array = array.copy()  # torch takes neither
        return torch.from_numpy(array)
    except (TypeError, ValueError) as error:
        raise _other(video, f" ({error})") from error


def _pictures(video: Any) -> list[Any]:
    pictures = list(video) if isinstance(video, Iterable) else []
    if any(isinstance(picture, str | PathLike) for picture in pictures):
        raise _other(video, " of paths: one video at a time")
    if any(isinstance(picture, bytes) for picture in pictures) or not isinstance(video, Iterable):
        raise _other(video)
    return pictures


def _other(video: Any, why: str = "") -> UsageError:
    return UsageError(
        f"a video is a path, a tensor or array of frames, or a list of frames of one size; got "
        f"{type(video).__name__}{why}"
    )


def _way_out(shape: tuple[int, ...]) -> str:
    if len(shape) == 5:
        return ": one video at a time, without the first axis"
    if len(shape) == 3 and 3 in (shape[0], shape[2]):
        return ": that is one picture"
    if len(shape) == 3:
        return ": gray frames need their value three times, frames[..., None].repeat(3, axis=-1)"
    if len(shape) == 4 and shape[3] == 4:
        return ": without alpha, frames[..., :3]"
    if len(shape) == 4 and shape[0] == 3 and shape[1] != 3:
        return ": channels first, exchange the first two axes"
    return ""
