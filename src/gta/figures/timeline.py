"""A timeline as a picture that can be read for ten seconds and for ten hours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from gta.figures.lettering import Lettering, save

Span = tuple[str, float, float, float]
"""(label, start, end, score)."""
MOST_ROWS = 24
"""Most labels with a row of their own: those that take most of the time."""
_COLUMNS = 1200
"""Columns of the figure: parts of the duration, shaded by the share of a label."""
_LEAST_SHADE = 0.35
"""Least shade of a nonzero share, so that a second of ten hours is visible."""
_LETTERS = 9
"""Characters of the title per inch."""


def draw_timeline(path: Path, spans: Sequence[Span], duration: float, title: str) -> None:
    """Writes `timeline_figure` to a .png file."""
    save(timeline_figure(spans, duration, title), path, dpi=130)


def timeline_figure(spans: Sequence[Span], duration: float, title: str) -> Figure:
    """A row for each label, in the order in which they appear; time goes to the right.

    A column is shaded by the share of its time that the label has.

    Args:
        spans: Parts of the timeline, in order.
        duration: Seconds.
        title: Title of the figure.
    """
    total = dict[str, float]()
    for label, start, end, _ in spans:
        total[label] = total.get(label, 0.0) + end - start
    often = sorted(total, key=lambda label: -total[label])[:MOST_ROWS]
    rows = [label for label in total if label in often]
    rest = len(total) - len(rows)
    names = [*rows, *([f"{rest} others"] if rest else [])] or ["nothing"]
    place = {label: rows.index(label) if label in often else len(rows) for label in total}
    shade = np.zeros((len(names), _COLUMNS))
    for label, start, end, _ in spans:
        _add(shade[place[label]], start, end, duration)
    shade = np.where(shade > 0, _LEAST_SHADE + (1 - _LEAST_SHADE) * shade.clip(0, 1), 0)
    letters = Lettering([*names, title])
    with letters.used():
        width, height = 13.0, 1.5 + 0.28 * len(names)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        colors = _colors(shade, len(names))
        axes.imshow(
            colors,
            aspect="auto",
            interpolation="nearest",
            extent=(0, max(duration, 1e-3), len(names) - 0.5, -0.5),
        )
        axes.set_yticks(range(len(names)), [_named(letters, n, total) for n in names], fontsize=8)
        axes.set_yticks([row + 0.5 for row in range(len(names) - 1)], minor=True)
        axes.grid(axis="y", which="minor", color="0.9", linewidth=0.8)
        axes.tick_params(axis="y", which="both", length=0)
        axes.xaxis.set_major_locator(MultipleLocator(_step(duration)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _time(x, duration)))
        axes.set_xlabel("time, hours:minutes" if duration >= 3600 else "time, minutes:seconds")
        figure.suptitle(letters.fold(title, int(width * _LETTERS)), fontsize=10)
    return figure


def _add(row: np.ndarray, start: float, end: float, duration: float) -> None:
    """Adds the share of each column that (start, end) covers."""
    first, last = (len(row) * max(t, 0.0) / max(duration, 1e-9) for t in (start, end))
    last = min(last, len(row))
    left, right = int(first), min(int(last), len(row) - 1)
    if left >= len(row):
        return
    if left == right:
        row[left] += last - first
        return
    row[left] += left + 1 - first
    row[left + 1 : right] += 1
    row[right] += last - right


def _colors(shade: np.ndarray, count: int) -> np.ndarray:
    """From white to the row's color by shade: (rows, columns, 3)."""
    from matplotlib import colormaps

    palette = colormaps["tab10"]
    assert isinstance(palette, ListedColormap)
    rows = np.array([palette(row % 10)[:3] for row in range(count)])[:, None]
    return 1 + (rows - 1) * shade[..., None]


def _named(letters: Lettering, name: str, total: dict[str, float]) -> str:
    share = f"  {_length(total[name])}" if name in total else ""
    return letters.write(name, 36) + share


def _length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _step(duration: float) -> float:
    """Seconds between ticks: a round number of seconds, minutes or hours."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
    return next((step for step in steps if duration <= 12 * step), 3600 * round(duration / 36000))


def _time(seconds: float, duration: float) -> str:
    whole = round(seconds)
    if duration >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}"
    if duration < 20:
        return f"{whole // 60}:{seconds % 60:04.1f}"
    return f"{whole // 60}:{whole % 60:02d}"
