"""Measures which side waits: the network for videos, or the loader for the network."""

import time
from collections.abc import Iterable, Iterator
from itertools import count

import torch

from gta.config import DataSource
from gta.data.batch import Batch
from gta.data.formats.prepared import find_manifest
from gta.data.storage.locations import is_url
from gta.training.splits import Splits

_MUCH = 0.2
"""Share of the training time above which waiting is reported."""
_ENOUGH = 5
"""Fewest steps for a statement."""


class Waiting:
    """Measures how long a device was idle because no batch was ready.

    A GPU works through queued steps: while this process waits for a batch, the GPU may still be
    computing. So the GPU's clock is read, too, at the end of a step and the start of the next,
    without synchronizing.

    Args:
        device: The device of the steps.
        start: First batches of the loader, one for each of its processes, which take longer.
    """

    def __init__(self, device: torch.device, start: int = 1):
        self.device, self.start = device, start
        self._at_start = self._later = 0.0
        self._going = self._over = 0.0  # when the start and all steps were over
        self._steps = 0
        self._gaps: list[tuple[torch.cuda.Event, torch.cuda.Event, float, bool]] = []

    def batches(self, source: Iterable[Batch]) -> Iterator[Batch]:
        """The batches of an epoch; the time between two of them is a step."""
        batches = iter(source)
        for self._steps in count():
            end, began = self._moment(), time.monotonic()
            batch = next(batches, None)
            if batch is None:
                self._over = began
                return
            waited, start = time.monotonic() - began, self._moment()
            at_start = self._steps < self.start
            if self._steps == 0 or end is None or start is None:  # a GPU is idle before the first
                self._add(waited, at_start)
            else:
                self._gaps.append((end, start, waited, at_start))
            if len(self._gaps) > 1000:
                self._read_gaps(keep=100)  # these have ended
            if at_start:
                self._going = time.monotonic()
            yield batch

    def seconds(self) -> float:
        """All waiting so far; synchronizes with the GPU."""
        if self._gaps:
            self._gaps[-1][1].synchronize()
        self._read_gaps()
        return self._at_start + self._later

    def share(self) -> float | None:
        """Share of the epoch's time after its start; None with too few steps."""
        if self._steps < self.start + _ENOUGH:
            return None
        self.seconds()
        return self._later / (self._over - self._going)

    def _add(self, seconds: float, at_start: bool) -> None:
        if at_start:
            self._at_start += seconds
        else:
            self._later += seconds

    def _moment(self) -> torch.cuda.Event | None:
        if self.device.type != "cuda":
            return None
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event

    def _read_gaps(self, keep: int = 0) -> None:
        done = self._gaps[: len(self._gaps) - keep]
        if done:
            done[-1][1].synchronize()
        for end, start, waited, at_start in done:
            self._add(min(end.elapsed_time(start) / 1000, waited), at_start)
        del self._gaps[: len(done)]


def advice(share: float, splits: Splits, data: DataSource, workers: int, cores: int) -> str | None:
    """Advice for a network that waits for videos; None if it seldom does.

    Args:
        share: Share of the training time spent waiting.
        splits: The videos, and which frames are in memory.
        data: The settings.
        workers: Number of loader processes of this training process.
        cores: Number of cores of this training process.
    """
    if share <= _MUCH:
        return None
    ways = list[str]()
    work = "making clips of the frames in memory" if splits.cached else "reading videos"
    if workers < cores:
        ways.append(f"more loader processes (--set data.workers={cores}; now {workers})")
    if not splits.cached:
        if data.root is not None and not is_url(data.root) and find_manifest(data.root) is None:
            ways.append("smaller copies of the videos (gta prepare)")
        held = 0 if splits.train_cache is None else splits.train_cache.num_cached
        now = f"; now {data.cache_gb:g} for {held} of {len(splits.train)}" if data.cache_gb else ""
        ways.append(f"frames in memory (--set data.cache_gb=...{now})")
    return (
        f"{work} is the bottleneck: the network waited {share:.0%} of the training time. "
        f"{'What helps: ' + ', or '.join(ways) if ways else f'All {cores} cores are in use'}"
    )
