"""Tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from gta.cost import Cost
from gta.evaluation.scores import Scores
from gta.paper import Row


def score_table(scores: Scores) -> Table:
    """The figures of a test, with everything that one needs to quote them."""
    table = Table(title=f"{scores.model}\nprotocol {scores.protocol}, {len(scores)} videos")
    for name in ("top-1", "top-5", "mean of classes", "unreadable"):
        table.add_column(name, justify="right")
    figures = (scores.top(1), scores.top(5), scores.mean_class())
    table.add_row(*(f"{figure:.1%}" for figure in figures), str(len(scores.failures)))
    return table


def prediction_table(title: str, ranked: list[tuple[str, float]]) -> Table:
    """The most probable classes of one video."""
    table = Table(title=title, title_justify="left")
    table.add_column("class", overflow="fold")
    table.add_column("score", justify="right")
    for name, score in ranked:
        table.add_row(name, f"{score:.1%}")
    return table


def paper_table(rows: Sequence[tuple[Row, Cost]]) -> Table:
    """The paper's cost figures beside ours; numbers in brackets refer to the notes, in order."""
    table = Table(title="Cost of one clip: GFLOPs are multiply-adds / 1e9")
    for name in ("table", "row", "clip"):
        table.add_column(name)
    for name in ("GFLOPs", "paper", "params (M)", "paper", "activations (MiB)", "note"):
        table.add_column(name, justify="right")
    notes: list[str] = []
    previous = None
    for row, cost in rows:
        if row.table != previous:
            table.add_section()
        if row.note and row.note not in notes:
            notes.append(row.note)
        _, T, H, W = row.clip
        table.add_row(
            row.table if row.table != previous else "",
            row.row,
            f"{T}x{H}x{W}",
            f"{cost.gflops:.2f}",
            f"{row.gflops:.{0 if row.table == '4' else 1}f}",
            f"{cost.params_m:.2f}",
            "" if row.params_m is None else f"{row.params_m:.1f}",
            f"{cost.activations_mib:.0f}",
            f"\\[{notes.index(row.note) + 1}]" if row.note else "",
        )
        previous = row.table
    return table


def summary_table(summary: Mapping[str, Any]) -> Table:
    """What `gta check` counted in each split."""
    table = Table(title=f"{summary['classes']} classes")
    table.add_column("split")
    for name in ("videos", "unreadable", "frames: least", "median", "most"):
        table.add_column(name, justify="right")
    table.add_column("sizes (width x height)")
    for split in ("train", "val"):
        part = summary[split]
        frames = part["frames"]
        sizes = ", ".join(f"{size} ({count})" for size, count in part["sizes"].items())
        counts = (part["videos"], part["unreadable"], frames["min"], frames["median"])
        table.add_row(split, *(f"{count:g}" for count in counts), f"{frames['max']}", sizes)
    return table
