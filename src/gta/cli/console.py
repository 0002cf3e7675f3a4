"""What a person sees: messages, progress bars, tables; messages go to the run's log too."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from gta.training.report import Advance


class Terminal:
    """A `Report` on the terminal. Quiet processes, all but the first, say nothing.

    Args:
        log: A file to which messages are appended, with the time.
        quiet: Print nothing.
        stderr: Print on stderr, where stdout is for data.
    """

    def __init__(self, log: Path | None = None, *, quiet: bool = False, stderr: bool = False):
        self.console = Console(stderr=stderr, quiet=quiet, highlight=False, soft_wrap=True)
        self.log = None if quiet else log

    def say(self, text: str) -> None:
        """Prints a line and keeps it in the log."""
        self.console.print(text, markup=False)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Advance]:
        """A progress bar that goes away when the work is done."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        shown = self.console.is_terminal and not self.console.quiet
        with Progress(
            *columns, console=self.console, transient=True, disable=not shown
        ) as progress:
            task = progress.add_task(what, total=total, note="")
            yield lambda done, note: progress.update(task, completed=done, note=note)


def warn(text: str) -> None:
    """One line on stderr."""
    print(f"gta: {text}", file=sys.stderr)
