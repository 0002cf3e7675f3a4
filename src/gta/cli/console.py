"""Output on the terminal: messages, progress bars, tables, JSON; a run's log gets messages too.

Names come from outside: everything is shown as it is, by `gta.names.shown`. Nothing is cut.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from gta.names import shown
from gta.progress import Advance, append_log

_ENDLESS = 100_000
"""Columns of a file or a pipe."""


class Terminal:
    """A `Report` on the terminal. Quiet processes, all but the first, say nothing.

    Args:
        log: A file to which messages are appended, with the time.
        quiet: Print nothing.
        stderr: Print on stderr, where stdout is for data.
    """

    def __init__(self, log: Path | None = None, *, quiet: bool = False, stderr: bool = False):
        self.console = Console(
            stderr=stderr, quiet=quiet, highlight=False, soft_wrap=True, emoji=False
        )
        if not self.console.file.isatty():
            self.console.width = _ENDLESS
        self.log = None if quiet else log
        self.progress: Progress | None = None
        """The progress bars, while any are shown."""

    def say(self, text: str) -> None:
        """Prints a line, or several, and keeps it in the log."""
        text = shown(text, keep="\n")
        self.console.print(text, markup=False)
        append_log(self.log, text)

    def show(self, table: Table) -> None:
        """Prints a table of `make_table`."""
        self.console.print(table)

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Advance]:
        """A progress bar that disappears when the work is done; nested bars are below it."""
        if self.progress is None:
            self.progress = self._bars()
            try:
                with self.progress, self.track(what, total) as advance:
                    yield advance
            finally:
                self.progress = None
            return
        progress = self.progress
        task = progress.add_task(what, total=total, note="", began=None)

        def forward(done: int, note: str) -> None:
            began = progress.tasks[progress.task_ids.index(task)].fields["began"]
            progress.update(
                *(task,), completed=done, note=shown(note), began=done if began is None else began
            )

        try:
            yield forward
        finally:
            progress.remove_task(task)

    def _bars(self) -> Progress:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Left(),
        )
        visible = self.console.is_terminal and not self.console.quiet
        return _Bars(*columns, console=self.console, transient=True, disable=not visible)


class _Bars(Progress):
    """Bars, and below them their notes, over as many lines as a narrow terminal needs."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """What is on the screen."""
        yield self.make_tasks_table(self.tasks)
        notes = "  ".join(task.fields["note"] for task in self.tasks if task.fields["note"])
        if notes:
            yield Text(notes, no_wrap=False, overflow="fold")  # the console wraps nothing


class _Left(ProgressColumn):
    """The time left, from the average speed since the bar appeared: pauses count, too."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """Hours, minutes and seconds."""
        done = task.completed - (task.fields["began"] or 0)
        if task.total is None or task.elapsed is None or done <= 0:
            return Text("-:--:--", style="progress.remaining")
        left = timedelta(seconds=round(task.elapsed * (task.total - task.completed) / done))
        return Text(str(left), style="progress.remaining")


def warn(text: str) -> None:
    """A message on stderr."""
    print(f"gta: {shown(text, keep=chr(10))}", file=sys.stderr)


def make_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str] | None], *, left: int = 1
) -> Table:
    """A table whose cells are shown as they are; wide text wraps.

    Args:
        title: A line, or several.
        columns: Their names; none are shown if all are empty.
        rows: A cell for each column; None draws a line between two rows.
        left: How many columns, from the first, are left-aligned; the others hold numbers.
    """
    heading = Text(shown(title, keep="\n"), style="table.title")
    table = Table(title=heading, show_header=any(columns))
    for place, name in enumerate(columns):
        justify = "left" if place < left else "right"
        table.add_column(Text(shown(name)), justify=justify, overflow="fold")
    for row in rows:
        if row is None:
            table.add_section()
        else:
            table.add_row(*(Text(shown(cell)) for cell in row))
    return table


def print_json(value: object) -> None:
    """Prints one JSON value, indented, on stdout: the form of every verb's `--json`.

    Letters are written as they are, unless one is invisible or cannot be printed here.
    """
    text = json.dumps(value, ensure_ascii=False, indent=1)
    encoding = sys.stdout.encoding or "utf-8"
    plain = shown(text, keep="\n") == text == text.encode(encoding, "ignore").decode(encoding)
    print(text if plain else json.dumps(value, indent=1))
