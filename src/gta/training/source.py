"""The source of a training's batches."""

from collections.abc import Iterator
from typing import Protocol

from gta.data.batch import Batch


class Source(Protocol):
    """Batches by epoch: of videos read by a loader, or of clips in memory.

    The batches of an epoch are a function of its number.
    """

    @property
    def num_batches(self) -> int:
        """Batches of a whole epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, this process's part of each.

        Args:
            number: Number of the epoch, from 0.
            start: Batches to skip: those before an interruption.
        """
        ...

    def close(self) -> None:
        """Ends the processes that read."""
        ...
