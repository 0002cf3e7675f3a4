"""Where the batches of a training come from."""

from collections.abc import Iterator
from typing import Protocol

from gta.data.batch import Batch


class Source(Protocol):
    """Batches, epoch by epoch: videos that a loader reads, or clips that lie in memory.

    An epoch is the same whenever it is asked for: its batches are a function of its number.
    """

    @property
    def num_batches(self) -> int:
        """Of a whole epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, this process's part of each.

        Args:
            number: Of the epoch, from 0.
            start: Batches to leave out: those before an interruption.
        """
        ...

    def close(self) -> None:
        """Ends what reads them."""
        ...
