"""What training says while it runs; the command line prints it, tests and scripts need not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int, str], None]
"""Called with what is done and a short note, such as the loss."""


class Report(Protocol):
    """Where messages and progress go."""

    def say(self, text: str) -> None: ...

    def track(self, what: str, total: int) -> AbstractContextManager[Advance]:
        """Progress of something that has `total` steps."""
        ...


class Silent:
    """A `Report` that says nothing."""

    def say(self, text: str) -> None:
        del text

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Advance]:
        del what, total
        yield lambda done, note: None
