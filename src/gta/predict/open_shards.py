"""The shards that one process is at: which video comes next, and where its line goes."""

import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from gta.predict.leases import Leases
from gta.predict.work import Work

_LOOK_EVERY = 1.0
"""Seconds between two looks for shards that other processes may have given up."""


@dataclass(frozen=True, slots=True)
class Task:
    """One video of a shard."""

    shard: int
    place: int
    """In its shard, from 0."""
    video: str
    """As the list has it."""
    path: str


class OpenShards:
    """Hands videos out and takes their lines; a shard is written when its last line is there.

    Args:
        work: The folder.
        leases: Of this process.
        share: (number of this process, number of processes): where it begins to look for work. All
            work is done whatever these are, and however many processes there really are.
    """

    def __init__(self, work: Work, leases: Leases, share: tuple[int, int] = (0, 1)):
        self.work, self.leases = work, leases
        self._first = share[0] * work.num_shards // max(share[1], 1)
        self._lines = dict[int, list[str | None]]()
        self._tasks, self._candidates = deque[Task](), deque[int]()
        self._looked = float("-inf")
        self.num_done_before = 0
        """Videos whose lines were there when this process began."""
        self.finished = 0
        """Shards that were written here."""
        self.is_done = False
        """Whether all shards are written, by whichever process."""

    def next(self) -> Task | None:
        """The next video; None: there is none now: others are at what is left, or `is_done`."""
        while not self._tasks:
            if not self._candidates and not self._look():
                return None
            self._open(self._candidates.popleft())
        return self._tasks.popleft()

    def put(self, task: Task, line: str) -> None:
        """The line of a video."""
        self.leases.progress()
        lines = self._lines[task.shard]
        lines[task.place] = line
        whole = [line for line in lines if line is not None]
        if len(whole) == len(lines):
            self.work.write(task.shard, whole)
            del self._lines[task.shard]
            self.leases.release(_lease(task.shard))
            self.finished += 1

    def _look(self) -> bool:
        """Looks for shards that are to be done, not too often; whether there are any to try."""
        if self.is_done or time.monotonic() - self._looked < _LOOK_EVERY:
            return False
        left = self.work.unfinished()
        if self._looked == float("-inf"):
            self.num_done_before = max(self.work.num_videos - len(left) * self.work.size, 0)
        self._looked = time.monotonic()
        self.is_done = not left
        theirs = [shard for shard in left if shard not in self._lines]
        self._candidates.extend(sorted(theirs, key=lambda shard: (shard < self._first, shard)))
        return bool(theirs)

    def _open(self, shard: int) -> None:
        """Takes a shard, if no other process is at it."""
        if self.work.is_finished(shard) or not self.leases.take(_lease(shard)):
            return
        if self.work.is_finished(shard):  # between the two
            self.leases.release(_lease(shard))
            return
        videos = self.work.videos(shard)
        self._lines[shard] = [None] * len(videos)
        self._tasks.extend(
            Task(shard, place, video, self.work.located(video))
            for place, video in enumerate(videos)
        )


def share_of(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """(number, processes) of this process by `torchrun`, a SLURM array or SLURM's tasks.

    Where a SLURM array has several tasks in each of its jobs, they count together. A process that
    nobody numbers begins at a place of its own.
    """

    def number(name: str) -> int | None:
        text = environment.get(name, "")
        return int(text) if text.isdecimal() else None

    rank, size = number("RANK"), number("WORLD_SIZE")
    if rank is None or size is None:
        rank, size = number("SLURM_PROCID"), number("SLURM_NTASKS")
    if rank is None or size is None:
        rank, size = 0, 1
    job, jobs = number("SLURM_ARRAY_TASK_ID"), number("SLURM_ARRAY_TASK_COUNT")
    if job is not None and jobs:
        job -= number("SLURM_ARRAY_TASK_MIN") or 0
        step = number("SLURM_ARRAY_TASK_STEP") or 1
        rank, size = (job // step % jobs) * size + rank, jobs * size
    return (rank, size) if size > 1 else (os.getpid() % 64, 64)


def _lease(shard: int) -> str:
    return f"{shard:06d}"
