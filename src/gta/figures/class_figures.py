"""Figures of classes: gains of a run over another, confused pairs; group counts (Figure 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gta.evaluation.comparison import Comparison, Difference
from gta.figures.lettering import Lettering
from gta.figures.palette import FAINT, INK, KINDS, RIGHT, WRONG

MOST_CLASSES = 24
"""Most classes in a figure of gains: those that change most."""


def gains_figure(comparison: Comparison, a: str, b: str) -> Figure:
    """How much better B is than A, class by class, with 95 % intervals.

    Args:
        comparison: From `gta.evaluation.comparison.compare`.
        a: Name of model A.
        b: Name of model B.
    """
    classes = comparison.classes
    left_out = 0
    if len(classes) > MOST_CLASSES:
        kept = sorted(classes, key=lambda named: -abs(named[1].gain))[:MOST_CLASSES]
        left_out = len(classes) - len(kept)
        classes = sorted(kept, key=lambda named: (-named[1].gain, named[0]))
    letters = Lettering([a, b, *(name for name, _ in classes)])
    with letters.used():
        rows = len(classes) + 1
        high = 1.55 + 0.3 * rows
        figure = Figure(figsize=(10.5, high), facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.42, 0.55 / high, 0.55, 0.3 * rows / high))
        for place, (name, change) in enumerate([("all videos", comparison.overall), *classes]):
            _gain(axes, place, letters.write(name, 44), change, whole=place == 0)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_yticks([])
        reach = max(abs(x) for x in axes.get_xlim())
        axes.set_xlim(-reach, reach)
        short = (letters.write(name, 20) for name in (a, b))
        axes.set_xlabel("← {} better      points of top-1      {} better →".format(*short), size=9)
        axes.tick_params(labelsize=8, length=2)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        title = letters.write(f"{b} over {a}, class by class", 90)
        figure.text(0.018, 1 - 0.16 / high, title, size=13, weight="bold", color=INK, va="top")
        text = comparison.conclusion.replace("A is", f"{a} is").replace("B is", f"{b} is")
        text = text.replace("than A", f"than {a}").replace("than B", f"than {b}")
        others = f" {left_out} classes that change less are left out." if left_out else ""
        figure.text(
            *(0.018, 1 - 0.45 / high, letters.write(text + others, 140)),
            **{"size": 9, "color": "#444444", "va": "top"},
        )
        return figure


def _gain(axes, place: int, name: str, change: Difference, *, whole: bool) -> None:
    gain, low, high = 100 * change.gain, 100 * change.low, 100 * change.high
    color = FAINT if low <= 0 <= high else RIGHT if gain > 0 else WRONG
    axes.plot([low, high], [place, place], color=color, linewidth=1.6, solid_capstyle="butt")
    axes.plot([gain], [place], "D" if whole else "o", color=color, markersize=7)
    axes.text(
        *(-0.02, place, f"{name}   {change.a:.0%} → {change.b:.0%}"),
        **{"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center", "size": 8.5},
        weight="bold" if whole else "normal",
    )


@dataclass(frozen=True, slots=True)
class GroupsResult:
    """One run of Figure 5."""

    groups: int
    """G, the channel groups of its GTA blocks."""
    top1: float
    """Accuracy, 0 to 1."""
    interval: tuple[float, float]
    """The 95 % interval over videos."""


def groups_figure(results: Sequence[GroupsResult]) -> Figure:
    """Top-1 by the number of channel groups (Figure 5).

    A group count with one run has the interval of its score; with several, each run is a dash and
    the line goes through their mean.
    """
    counts = sorted({result.groups for result in results})
    runs = [[result for result in results if result.groups == count] for count in counts]
    means = [100 * mean(result.top1 for result in group) for group in runs]
    single = [group[0] for group in runs if len(group) == 1]
    several = [result for group in runs if len(group) > 1 for result in group]
    figure = Figure(figsize=(6.4, 4.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    axes.plot(counts, means, "o-", color=KINDS[0], markersize=7)
    axes.vlines(
        [result.groups for result in single],
        [100 * result.interval[0] for result in single],
        [100 * result.interval[1] for result in single],
        color=KINDS[0],
        linewidth=1.6,
        alpha=0.6,
    )
    each = [result.groups for result in several]
    axes.plot(each, [100 * result.top1 for result in several], "_", color=INK, markersize=11)
    for place, top in zip(counts, means, strict=True):
        axes.annotate(
            *(f"{top:.1f}", (place, top), (9, -4)),
            **{"textcoords": "offset points", "size": 9, "color": INK, "va": "top"},
            path_effects=[patheffects.withStroke(linewidth=3, foreground="white")],
        )
    axes.set_xticks(counts, [_count(*pair) for pair in zip(counts, runs, strict=True)])
    axes.set_xticks([], minor=True)
    axes.margins(x=0.09)
    axes.grid(axis="y", alpha=0.25)
    axes.set_xlabel("channel groups G")
    axes.set_ylabel("top-1, %")
    what = [
        *(["mean of several runs, each a dash"] if several else []),
        *(["bars: 95 % intervals of single runs"] if single else []),
    ]
    title = "\n".join(["Top-1 by the number of groups", "; ".join(what)])
    axes.set_title(title, loc="left", size=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _count(groups: int, runs: Sequence[GroupsResult]) -> str:
    return f"{groups}\n{len(runs)} runs" if len(runs) > 1 else f"{groups}"


def confused_figure(
    pairs: Sequence[tuple[str, str, str, Sequence[np.ndarray]]], title: str
) -> Figure:
    """The most frequent mistakes, each with clips for which it was made.

    Args:
        pairs: (label, prediction, frequency in words, clips) of each mistake; a clip is uint8
            frames (T, H, W, 3), of which three are shown. At most three clips per pair are shown.
        title: Title of the figure.
    """
    letters = Lettering([title, *(text for pair in pairs for text in pair[:3])])
    with letters.used():
        side, row = 0.92, 1.14
        high = 0.75 + row * len(pairs)
        wide = 3.5 + 3 * (3 * side + 0.25)
        figure = Figure(figsize=(wide, high), facecolor="white")
        FigureCanvasAgg(figure)
        figure.text(
            *(0.15 / wide, 1 - 0.14 / high, letters.write(title, 100)),
            **{"size": 13, "weight": "bold", "color": INK, "va": "top"},
        )
        for number, (label, taken, how_often, clips) in enumerate(pairs):
            top = 0.65 + row * number
            lines: tuple[tuple[str, dict[str, Any]], ...] = (
                (letters.write(label, 44), {"weight": "bold", "color": INK}),
                ("was taken for", {"color": FAINT}),
                (letters.write(taken, 44), {"weight": "bold", "color": WRONG}),
                (letters.write(how_often, 48), {"color": "#555555"}),
            )
            for line, (text, style) in enumerate(lines):
                y = 1 - (top + 0.05 + 0.22 * line) / high
                figure.text(0.15 / wide, y, text, size=8.5, va="top", **style)
            for place, clip in enumerate(clips[:3]):
                for column, t in enumerate((0, len(clip) // 2, len(clip) - 1)):
                    left = 3.5 + place * (3 * side + 0.25) + column * side
                    axes = figure.add_axes(
                        (
                            left / wide,
                            1 - (top + side) / high,
                            0.96 * side / wide,
                            side / high,
                        )
                    )
                    axes.imshow(clip[t], interpolation="bilinear")
                    axes.set_axis_off()
        return figure
