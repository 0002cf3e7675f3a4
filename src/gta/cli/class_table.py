"""How many videos each class has, on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

MOST = 12
"""Classes up to which each has a row; of more, those with most and with fewest videos."""


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
    table = Table(title=Text(title, style="table.title"))
    table.add_column("class", overflow="fold")
    for split in ("train", "val"):
        table.add_column(split, justify="right")
    for place, (name, of_split) in enumerate(rows):
        if left_out > 0 and MOST // 2 <= place < MOST // 2 + left_out:
            continue
        if left_out > 0 and place == MOST // 2 + left_out:
            table.add_section()
        table.add_row(Text(name), f"{of_split['train']}", f"{of_split['val']}")
    return table
