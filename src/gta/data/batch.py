"""A batch, and its way from a loader process to the training."""

import os
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gta.errors import Notice

SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps it; other systems have no limit that can be asked for."""
_LEAST = 2**20
"""Bytes below which loader processes are not started: their queues and locks need some."""
_WAYS_OUT = (
    "Give it more (docker run --shm-size=8g, or --ipc=host), or read without such processes "
    "(--set data.workers=0)"
)
_said = set[str]()


class Batch(NamedTuple):
    """Samples that could be read, and a record of those that could not."""

    clips: Tensor
    """uint8 (B, C, T, H, W) in training, (B, V, C, T, H, W) in testing."""
    labels: Tensor
    """int64 (B,); -1: not known."""
    indices: Tensor
    """int64 (B,), into the list of videos."""
    failures: list[tuple[str, str]]
    """(path, reason)."""
    cut_off: Sequence[tuple[str, str]] = ()
    """(path, what is there) of videos whose files end before their end."""


@dataclass(frozen=True, slots=True)
class SharedBatch:
    """A batch as a loader process sends it: clips in shared memory, or where it is full as bytes.

    torch would put tensors there when it sends them, in a thread: where that fails the batch is
    lost and is waited for for ever.
    """

    clips: Tensor | np.ndarray
    """uint8 (B, ..., T, H, W, C): an array's order in memory is not kept otherwise."""
    labels: np.ndarray
    indices: np.ndarray
    failures: list[tuple[str, str]]
    cut_off: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, batch: Batch) -> "SharedBatch":
        """In the loader process."""
        clips = _shared(batch.clips.movedim(-4, -1))
        labels, indices = batch.labels.numpy(), batch.indices.numpy()
        return cls(clips, labels, indices, batch.failures, batch.cut_off)

    def to_batch(self) -> Batch:
        """In the training."""
        clips = self.clips
        if isinstance(clips, np.ndarray):
            say_once(
                f"{_shared_memory()} has no room for a batch: batches are sent through pipes, "
                f"which is slower. {_WAYS_OUT}"
            )
            clips = torch.from_numpy(clips)
        return Batch(
            clips.movedim(-1, -4),
            torch.from_numpy(self.labels),
            torch.from_numpy(self.indices),
            self.failures,
            self.cut_off,
        )

    def pin_memory(self) -> Batch:
        """Called by torch's loader where batches go to a GPU."""
        batch = self.to_batch()
        clips, labels, indices = (tensor.pin_memory() for tensor in batch[:3])
        return batch._replace(clips=clips, labels=labels, indices=indices)


def _shared(clips: Tensor) -> Tensor | np.ndarray:
    free = _free()
    if free is None or clips.nbytes + _LEAST < free:
        try:
            return clips.share_memory_()
        except RuntimeError as error:  # others were quicker
            _remove_left_over(str(error))
    return clips.numpy()


def _free() -> int | None:
    """Bytes that shared memory has left; None: not known."""
    try:
        status = os.statvfs(SHARED_MEMORY)
    except (OSError, AttributeError):  # macOS, Windows
        return None
    return status.f_bavail * status.f_frsize


def _remove_left_over(message: str) -> None:
    """Torch leaves the file that it could not fill."""
    name = re.search(r"</(torch_\w+)>", message)
    if name is not None:
        with suppress(OSError):
            (SHARED_MEMORY / name[1]).unlink()


def _shared_memory() -> str:
    """Where it is and how much there is in all: what does not change from batch to batch."""
    status = os.statvfs(SHARED_MEMORY)
    size = status.f_blocks * status.f_frsize / 1e6
    return f"the shared memory of loader processes ({SHARED_MEMORY}, {size:.3g} MB in all)"


def possible_workers(workers: int, num_bytes: int = 0) -> int:
    """That many loader processes, or none where shared memory has no room for what they need.

    Args:
        workers: Loader processes.
        num_bytes: Of frames in memory, which reach them through it.
    """
    free = _free()
    if workers == 0 or free is None or num_bytes + _LEAST < free:
        return workers
    frames = f" and {num_bytes / 1e6:.0f} MB of frames" if num_bytes else ""
    say_once(
        f"{_shared_memory()} has no room for their queues{frames}: videos are read by the process "
        f"that computes, which is slower. {_WAYS_OUT}"
    )
    return 0


def say_once(text: str) -> None:
    """Says it once; torch changes warning filters, which makes Python forget what it has said."""
    if text not in _said:
        _said.add(text)
        warnings.warn(text, Notice, stacklevel=3)
