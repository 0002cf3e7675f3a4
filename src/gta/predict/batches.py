"""Clips joined to a batch, in memory that is used again."""

import threading
from collections.abc import Sequence

import torch
from torch import Tensor


class Batches(threading.local):
    """Memory for one batch of each thread.

    New memory has new pages: for 32 clips of 8 x 224 x 224 the system needed eight times as long to
    give them as joining the clips takes.
    """

    def __init__(self):
        self._memory: Tensor | None = None

    def joined(self, views: Sequence[Tensor]) -> Tensor:
        """Views (V, C, T, H, W) of videos as (B, V, C, T, H, W), until this thread calls it again.

        They lie in memory as frames are decoded.
        """
        rows = [clips.movedim(1, -1) for clips in views]
        count = sum(row.numel() for row in rows)
        memory = self._memory
        if memory is None or memory.numel() < count or memory.dtype != rows[0].dtype:
            with torch.inference_mode(False):  # else nothing may be put there outside of that mode
                self._memory = memory = torch.empty(count, dtype=rows[0].dtype)
        joined = memory[:count].view(len(rows), *rows[0].shape)
        return torch.stack(rows, out=joined).movedim(-1, 2)
