"""Which video each loader process is at, and which videos are set aside."""

import time

import torch
from torch.utils.data import get_worker_info

from gta.errors import VideoError

NOTHING = -1
"""In place of a video's index."""


class Reading:
    """Notes in shared memory, so that a process that dies or stalls can be told by its video.

    Args:
        workers: Loader processes.
        set_aside: Why a video is not to be read in this run, by its id.
    """

    def __init__(self, workers: int, set_aside: dict[str, str] | None = None):
        self.set_aside = {} if set_aside is None else set_aside
        self._notes = torch.full((max(workers, 1), 2), NOTHING)
        if workers:
            self._notes.share_memory_()

    def begin(self, index: int, name: str, path: str) -> None:
        """Called before a video is read.

        Raises:
            VideoError: It is set aside.
        """
        reason = self.set_aside.get(name)
        if reason is not None:
            raise VideoError(path, reason)
        self._note(index)

    def end(self) -> None:
        """Called when a batch has been read."""
        self._note(NOTHING)

    def forget(self) -> None:
        """Called before processes are started."""
        self._notes.fill_(NOTHING)

    def now(self) -> list[tuple[int, float]]:
        """For each process the index of its video or `NOTHING`, and the second since when."""
        return [(index, since / 1e9) for index, since in self._notes.tolist()]

    def _note(self, index: int) -> None:
        worker = get_worker_info()
        if worker is not None:
            self._notes[worker.id, 1] = time.monotonic_ns()  # one clock for all processes
            self._notes[worker.id, 0] = index
