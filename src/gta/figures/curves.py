"""The curves of a training as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gta.figures.lettering import Lettering, save
from gta.files import write_atomically

_TRAIN, _VAL, _OTHER = "#0072b2", "#d55e00", "#56b4e9"
"""Okabe and Ito's colors, which the color-blind can tell apart."""


def draw_curves(path: Path, history: Sequence[Mapping[str, float]], title: str) -> None:
    """An atomic write of `curves_figure` to a .png file."""
    figure = curves_figure(history, title)
    write_atomically(path, lambda part: save(figure, part, dpi=110))


def curves_figure(history: Sequence[Mapping[str, float]], title: str) -> Figure:
    """Loss, accuracy, learning rate and time of each epoch.

    Args:
        history: An entry of each epoch: "epoch", "lr", "train_loss", "val_top1", "seconds" ...;
            those of earlier versions lack some.
        title: Title of the figure.
    """
    letters = Lettering([title])
    with letters.used():
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(letters.fold(title, 90), fontsize=11)
        (loss, accuracy), (rate, time) = figure.subplots(2, 2, sharex=True)
        lines = (("training", "train_loss", _TRAIN), ("validation", "val_loss", _VAL))
        _draw(loss, history, lines, "loss")
        lines = [("training, top-1", "train_top1", _TRAIN), ("validation, top-1", "val_top1", _VAL)]
        if _values(history, "val_top5").min() < 1:  # with five classes it is always 1
            lines.append(("validation, top-5", "val_top5", _OTHER))
        _draw(accuracy, history, lines, "accuracy")
        accuracy.set_ylim(0, 1)
        accuracy.yaxis.set_major_formatter(PercentFormatter(1))
        _draw(rate, history, (("learning rate", "lr", _TRAIN),), "learning rate", named=False)
        rate.set_ylim(bottom=0)
        _draw_time(time, history)
        for axes in (rate, time):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return figure


def _draw(
    axes: Axes,
    history: Sequence[Mapping[str, float]],
    lines: Sequence[tuple[str, str, str]],
    title: str,
    *,
    named: bool = True,
) -> None:
    """Lines of (name, key of an entry, color), without keys that no entry has."""
    epochs = _values(history, "epoch")
    for name, key, color in lines:
        values = _values(history, key)
        if np.isfinite(values).any():
            dots = "o" if len(history) < 30 else None
            axes.plot(epochs, values, color=color, label=name, marker=dots, markersize=3)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if named and axes.lines:
        axes.legend(fontsize=8, frameon=False)


def _draw_time(axes: Axes, history: Sequence[Mapping[str, float]]) -> None:
    """Seconds of each epoch, and how many of them the network waited for videos."""
    epochs, seconds = _values(history, "epoch"), _values(history, "seconds")
    waited = _values(history, "waited")
    axes.fill_between(epochs, seconds, color=_TRAIN, alpha=0.3, step="mid", label="all")
    axes.fill_between(epochs, waited, color=_VAL, alpha=0.8, step="mid", label="waiting for videos")
    axes.plot(epochs, seconds, color=_TRAIN, drawstyle="steps-mid")
    axes.set_ylim(bottom=0)
    axes.set_title("seconds of an epoch", fontsize=10)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)


def _values(history: Sequence[Mapping[str, float]], key: str) -> np.ndarray:
    return np.array([entry.get(key, np.nan) for entry in history])
