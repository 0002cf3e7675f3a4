"""Which side waits: the network for videos, or the loader for the network."""

import time
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from gta.data.cores import available_cores
from gta.data.loader import Batch

_MUCH = 0.2
"""Share of the training time from which on it is worth a line."""


class Waiting:
    """Measures for how long a device had nothing to do because no batch was there.

    A GPU works through steps that were handed to it earlier: while this process waits for a batch,
    the GPU may still be computing. So its own clock is read too, where a step ends and the next one
    begins; nothing is made to wait for that.

    Args:
        device: That computes the steps.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self._seconds = 0.0
        self._gaps: list[tuple[torch.cuda.Event, torch.cuda.Event, float]] = []

    def batches(self, loader: DataLoader[Batch]) -> Iterator[Batch]:
        """The batches of an epoch; what is done between two of them is a step."""
        batches, first = iter(loader), True
        while True:
            end, began = self._moment(), time.monotonic()
            batch = next(batches, None)
            if batch is None:
                return
            waited, start = time.monotonic() - began, self._moment()
            if first or end is None or start is None:  # before the first step a GPU is idle
                self._seconds += waited
            else:
                self._gaps.append((end, start, waited))
            if len(self._gaps) > 1000:
                self._read_gaps(keep=100)  # these are long over
            first = False
            yield batch

    def seconds(self) -> float:
        """All waiting so far; the GPU's work is waited for."""
        if self._gaps:
            self._gaps[-1][1].synchronize()
        self._read_gaps()
        return self._seconds

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
        for end, start, waited in done:
            self._seconds += min(end.elapsed_time(start) / 1000, waited)
        del self._gaps[: len(done)]


def advice(waited: float, seconds: float, workers: int) -> str | None:
    """What to do about a network that waits for videos; None where it seldom does.

    Args:
        waited: Seconds for which it waited,
        seconds: of those that the training took.
        workers: Loader processes of this training process.
    """
    share, cores = waited / max(seconds, 1e-9), available_cores()
    if share <= _MUCH:
        return None
    more = (
        f"more loader processes (--set data.workers={cores}; now {workers})"
        if workers < cores
        else f"more cores (all {cores} read videos)"
    )
    return (
        f"reading videos is the bottleneck: the network waited for them {share:.0%} of the "
        f"training time. What helps: {more}, videos made small once (gta prepare), or frames in "
        f"memory (--set data.cache_gb=...)"
    )
