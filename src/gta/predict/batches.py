"""Clips joined to a batch, in memory that is used again."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor


def filled(videos: int) -> int:
    """The size of a batch for so many videos, of few: 1, 2, 4, 8, 16, 24, 32 and so on."""
    return 1 << (videos - 1).bit_length() if videos <= 8 else -(-videos // 8) * 8


class Batches(threading.local):
    """Memory for one batch of each thread.

    New memory has new pages: for 32 clips of 8 x 224 x 224 the system needed eight times as long to
    give them as joining the clips takes.

    Args:
        pinned: Memory that a GPU reads by itself.
    """

    def __init__(self, *, pinned: bool = False):
        self.pinned = pinned
        self._memory: Tensor | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what a process is sent, has memory of its own."""
        return partial(Batches, pinned=self.pinned), ()

    def joined(self, views: Sequence[Tensor], size: int | None = None) -> Tensor:
        """Views (V, C, T, H, W) of videos as (B, V, C, T, H, W), until this thread calls it again.

        They lie in memory as frames are decoded.

        Args:
            views: Of the same shape each.
            size: B, if not their number: what the rows behind theirs hold is left open.
        """
        rows, size = [clips.movedim(1, -1) for clips in views], size or len(views)
        count, memory = size * rows[0].numel(), self._memory
        if memory is None or memory.numel() < count or memory.dtype != rows[0].dtype:
            with torch.inference_mode(False):  # else nothing may be put there outside of that mode
                memory = torch.empty(count, dtype=rows[0].dtype, pin_memory=self.pinned)
            self._memory = memory
        joined = memory[:count].view(size, *rows[0].shape)
        torch.stack(rows, out=joined[: len(rows)])
        return joined.movedim(-1, 2)
