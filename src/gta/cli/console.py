"""What a person sees: messages, progress bars, tables, JSON; messages go to the run's log too.

Names come from outside: everything is shown as it is, by `gta.names.shown`. Nothing is cut.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
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
from rich.table import Table
from rich.text import Text

from gta.names import shown
from gta.progress import Advance, append_log

_ENDLESS = 100_000
"""Columns of what is no terminal: a file, a pipe."""


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
        """A progress bar that goes away when the work is done."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        visible = self.console.is_terminal and not self.console.quiet
        with Progress(
            *columns, console=self.console, transient=True, disable=not visible
        ) as progress:
            task = progress.add_task(what, total=total, note="")
            yield lambda done, note: progress.update(task, completed=done, note=shown(note))


def warn(text: str) -> None:
    """A message on stderr."""
    print(f"gta: {shown(text, keep=chr(10))}", file=sys.stderr)


def make_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str] | None], *, left: int = 1
) -> Table:
    """A table whose cells are shown as they are; what is too wide goes on in the next line.

    Args:
        title: A line, or several.
        columns: Their names; none are shown if all are empty.
        rows: A cell for each column; None draws a line between two rows.
        left: So many columns hold words and begin at the left; the others hold numbers.
    """
    heading = Text(shown(title, keep="\n"), style="table.title")
    table = Table(title=heading, show_header=any(columns))
    for place, name in enumerate(columns):
        justify = "left" if place < left else "right"
        table.add_column(Text(name), justify=justify, overflow="fold")
    for row in rows:
        if row is None:
            table.add_section()
        else:
            table.add_row(*(Text(shown(cell)) for cell in row))
    return table


def print_json(told: object) -> None:
    """Prints one JSON value, indented, on stdout: the form of every verb's `--json`.

    Letters are written as they are, unless one of them cannot be seen or cannot be printed here.
    """
    text = json.dumps(told, ensure_ascii=False, indent=1)
    encoding = sys.stdout.encoding or "utf-8"
    plain = shown(text, keep="\n") == text == text.encode(encoding, "ignore").decode(encoding)
    print(text if plain else json.dumps(told, indent=1))
