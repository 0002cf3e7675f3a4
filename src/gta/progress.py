"""Messages and progress of long work."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from gta.files import naming
from gta.names import shown

Advance = Callable[[int, str], None]
"""Called with the number of finished steps and a short note, such as the loss."""


class Report(Protocol):
    """Shows messages and progress."""

    def say(self, text: str) -> None: ...

    def track(self, what: str, total: int) -> AbstractContextManager[Advance]:
        """Progress of something that has `total` steps."""
        ...


class Silent:
    """A `Report` that shows nothing."""

    def say(self, text: str) -> None:
        del text

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Advance]:
        del what, total
        yield lambda done, note: None


class Lines(Silent):
    """A `Report` that prints messages and appends them to a log; progress is not shown."""

    def __init__(self, log: Path | None = None):
        self.log = log

    def say(self, text: str) -> None:
        text, encoding = shown(text, keep="\n"), sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding))
        append_log(self.log, text)


def append_log(log: Path | None, text: str) -> None:
    """Appends a message with the time, if there is a log."""
    if log is not None:
        with naming(log), log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")
