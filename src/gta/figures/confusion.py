"""The confusion matrix as a picture that can be read for 4 classes and for 400."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from gta.figures.lettering import Lettering, save

MOST_NAMED = 60
"""Most classes with names at the axes; beyond, the most frequent mistakes are listed."""
_WIDTH = 78
"""Characters per line of that list."""
_LETTERS = 9
"""Characters of the title per inch."""
_MOST_COUNTED = 20
"""Most classes with counts in the cells."""


def draw_confusion(
    path: Path, matrix: np.ndarray, classes: Sequence[str], mistakes: Sequence[str], title: str
) -> None:
    """Writes `confusion_figure` to a .png file."""
    save(confusion_figure(matrix, classes, mistakes, title), path, dpi=130)


def confusion_figure(
    matrix: np.ndarray, classes: Sequence[str], mistakes: Sequence[str], title: str
) -> Figure:
    """The figure: a row has the videos of a class, shaded by the share of each answer.

    The shade grows with the root of the share, so that rare mistakes are seen. A class without
    videos is an empty row.

    Args:
        matrix: Counts (num_classes, num_classes), rows are labels.
        classes: Names.
        mistakes: A text of a line or two for each of the most frequent; listed if there are more
            than `MOST_NAMED` classes.
        title: Title of the figure.
    """
    letters = Lettering([*classes, *mistakes, title])
    with letters.used():
        return _figure(letters, matrix, classes, mistakes, title)


def _figure(
    letters: Lettering,
    matrix: np.ndarray,
    classes: Sequence[str],
    mistakes: Sequence[str],
    title: str,
) -> Figure:
    videos = matrix.sum(1, keepdims=True)
    share = np.divide(matrix, videos, out=np.zeros(matrix.shape), where=videos > 0)
    named = len(classes) <= MOST_NAMED
    side = 3.5 + 0.16 * len(classes) if named else 9.0
    size = (side + 3.5, side + 2) if named else (side + 6.5, side)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    if named:
        axes = figure.subplots()
        _name(axes, letters, classes)
    else:
        axes, beside = figure.subplots(1, 2, width_ratios=[side, 5.5])
        axes.set_xlabel("prediction, by number of class")
        axes.set_ylabel("label, by number of class")
        _list(beside, letters, mistakes)
    shown = axes.imshow(
        share, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1), interpolation="nearest"
    )
    if len(classes) <= _MOST_COUNTED:
        for row, column in zip(*matrix.nonzero(), strict=True):
            color = "white" if share[row, column] > 0.4 else "black"
            text = str(matrix[row, column])
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
    bar = figure.colorbar(shown, ax=axes, shrink=0.7, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"])
    bar.set_label("share of the class's videos")
    figure.suptitle(letters.fold(title, int(size[0] * _LETTERS)), fontsize=11)
    return figure


def _name(axes: Axes, letters: Lettering, classes: Sequence[str]) -> None:
    names, note = [letters.write(name, 36) for name in classes], ""
    if not letters.complete:
        names = [f"{label}: {name}" for label, name in enumerate(names)]
        note = ", by number: no installed font has all letters of the names"
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel(f"prediction{note}")
    axes.set_ylabel("label")


def _list(axes: Axes, letters: Lettering, mistakes: Sequence[str]) -> None:
    axes.set_axis_off()
    axes.set_title("The most frequent mistakes", fontsize=10, loc="left")
    lines = [
        "\n".join(letters.write(line, _WIDTH) for line in text.split("\n")) for text in mistakes
    ]
    text = axes.text(0, 0.99, "\n\n".join(lines), va="top", fontsize=7.5, transform=axes.transAxes)
    text.set_in_layout(False)  # or the matrix would shrink for it
