"""How many videos each class has, on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from gta.cli.console import make_table

MOST = 12
"""Most classes with a row each; beyond, only those with most and with fewest videos."""


def class_table(summary: Mapping[str, Any]) -> Table:
    """The classes of a data set by their training videos."""
    counts: dict[str, dict[str, int]] = summary["videos_of_class"]
    rows = sorted(counts.items(), key=lambda row: (-row[1]["train"], row[0]))
    left_out = len(rows) - MOST
    title = "videos of each class"
    if left_out > 0:
        title = (
            f"classes with most and with fewest videos ({left_out} between them; --json has all)"
        )
    shown: list[Sequence[str] | None] = [
        (name, f"{of_split['train']}", f"{of_split['val']}") for name, of_split in rows
    ]
    if left_out > 0:
        shown[MOST // 2 : MOST // 2 + left_out] = [None]
    return make_table(title, ("class", "train", "val"), shown)
