"""The quickstart's figure: each model's accuracy and answers, and what GTA learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gta.figures.lettering import Lettering, save
from gta.figures.matrices import Matrix, patterns
from gta.figures.matrix_sheets import draw_scale, draw_square
from gta.figures.palette import FAINT, INK, RIGHT, WRONG

_WIDE, _LEFT, _MARGIN = 12.4, 3.9, 0.25
_ROW = 1.9
"""Height of a clip."""
MOST_FRAMES = 8
_BLIND = "best without\nthe order"


@dataclass(frozen=True, slots=True)
class Shown:
    """A clip, and the models' answers."""

    frames: np.ndarray
    """uint8 (T, H, W, 3), what the models see."""
    label: str
    """Its class."""
    answers: Mapping[str, tuple[str, float]]
    """For each model, the most probable class and its probability."""


def draw_comparison(
    path: Path,
    *,
    clips: Sequence[Shown],
    accuracies: Mapping[str, float],
    ceiling: float,
    matrix: Matrix,
    title: str,
) -> None:
    """Writes `comparison_figure` to a .png file."""
    figure = comparison_figure(
        clips=clips, accuracies=accuracies, ceiling=ceiling, matrix=matrix, title=title
    )
    save(figure, path, dpi=110)


def comparison_figure(
    *,
    clips: Sequence[Shown],
    accuracies: Mapping[str, float],
    ceiling: float,
    matrix: Matrix,
    title: str,
) -> Figure:
    """The picture.

    Args:
        clips: One below the other.
        accuracies: Top-1 by model name, 0 to 1.
        ceiling: The best top-1 of a model that is blind to the order of frames.
        matrix: The matrix of a GTA block.
        title: Title of the figure.
    """
    names = [clip.label for clip in clips]
    names += [answer for clip in clips for answer, _ in clip.answers.values()]
    letters = Lettering([*names, *accuracies, title])
    with letters.used():
        return _figure(letters, clips, accuracies, ceiling, matrix, title)


def _figure(
    letters: Lettering,
    clips: Sequence[Shown],
    accuracies: Mapping[str, float],
    ceiling: float,
    matrix: Matrix,
    title: str,
) -> Figure:
    head, below = 0.95, 2.75
    high = head + _ROW * len(clips) + below
    figure = Figure(figsize=(_WIDE, high), facecolor="white")
    FigureCanvasAgg(figure)

    def axes(left: float, top: float, wide: float, tall: float) -> Axes:
        return figure.add_axes((left / _WIDE, 1 - (top + tall) / high, wide / _WIDE, tall / high))

    def write(left: float, top: float, text: str, **style) -> None:
        style = {"va": "top", "color": INK, "size": 10} | style
        figure.text(left / _WIDE, 1 - top / high, text, **style)

    write(_MARGIN, 0.17, letters.write(title, 90), size=16, weight="bold")
    write(
        *(_MARGIN, 0.53, "Classes come in pairs that show the same frames in the opposite order."),
        color="#444444",
    )
    write(_MARGIN, head, "Right on held-out clips", size=11, weight="bold")
    _accuracies(
        axes(_MARGIN, head + 0.3, _LEFT - 0.75, _ROW * len(clips) - 0.55),
        letters,
        accuracies,
        ceiling,
    )
    for number, clip in enumerate(clips):
        _clip(axes, write, letters, clip, head + _ROW * number)
    top = head + _ROW * len(clips) + 0.15
    _matrix(figure, axes, write, matrix, top)
    return figure


def _accuracies(
    axes: Axes, letters: Lettering, accuracies: Mapping[str, float], ceiling: float
) -> None:
    best = max(accuracies, key=lambda name: accuracies[name])
    rows = [*accuracies.items(), (_BLIND, ceiling)]
    rows.sort(key=lambda row: (row[1], row[0] == best))
    for place, (name, accuracy) in enumerate(rows):
        blind = name == _BLIND
        color = "white" if blind else RIGHT if name == best else "#9db8cc"
        axes.bar(
            *(place, 100 * accuracy),
            width=0.7,
            color=color,
            edgecolor=FAINT if blind else color,
            linestyle="--" if blind else "-",
            linewidth=1.2,
        )
        axes.text(
            *(place, 100 * accuracy + 1.5, f"{accuracy:.1%}"),
            **{"ha": "center", "size": 11 if name == best else 10},
            weight="bold" if name == best else "normal",
            path_effects=[patheffects.withStroke(linewidth=3, foreground="white")],
        )
    axes.axhline(100 * ceiling, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    labels = [name if name == _BLIND else letters.fold(name, 12) for name, _ in rows]
    axes.set_xticks(range(len(rows)), labels, fontsize=9)
    axes.tick_params(axis="x", length=0)
    axes.set_yticks([])
    axes.set_ylim(0, 112)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _clip(axes, write, letters: Lettering, clip: Shown, top: float) -> None:
    write(_LEFT, top, f"“{letters.write(clip.label, 80)}”", size=11, weight="bold")
    T = len(clip.frames)
    shown = [round(t) for t in np.linspace(0, T - 1, min(T, MOST_FRAMES))]
    room = _WIDE - _LEFT - _MARGIN
    side = min(0.95, room / len(shown) - 0.05)
    for column, t in enumerate(shown):
        picture = axes(_LEFT + column * (side + 0.05), top + 0.25, side, side)
        picture.imshow(clip.frames[t], interpolation="bilinear")
        picture.set_axis_off()
    wide = (len(shown) * (side + 0.05)) / len(clip.answers)
    for place, (name, (answer, score)) in enumerate(clip.answers.items()):
        right = answer == clip.label
        color = RIGHT if right else WRONG
        left, below = _LEFT + place * wide, top + 0.31 + side
        sign = "✓" if right else "✗"
        text = f"{sign} {letters.write(name, 20)}, {score:.0%}"
        write(left, below, text, size=9, weight="bold", color=color)
        write(left, below + 0.18, letters.write(answer, int(wide * 14.5)), size=8.5, color=color)


def _matrix(figure: Figure, axes, write, matrix: Matrix, top: float) -> None:
    write(_MARGIN, top, "What GTA has learned", size=11, weight="bold")
    write(
        *(_MARGIN, top + 0.3, _READ),
        **{"size": 9, "color": "#444444", "linespacing": 1.4},
    )
    side = 1.75
    own = axes(_LEFT + 0.3, top + 0.3, side, side)
    limit = float(np.abs(matrix.added).max()) or 1.0
    draw_square(own, matrix.added, limit)
    draw_scale(figure, own, limit)
    own.set_title(f"GTA, {matrix.level} level", size=10, weight="bold", color=INK)
    T = matrix.weights.shape[1]
    for number, (pattern, values) in enumerate(patterns(T, causal=matrix.causal).items()):
        small = axes(_LEFT + 3.45 + number * 1.75, top + 0.62, 1.15, 1.15)
        draw_square(small, values, 1.0 if number < 2 else 1 / T)
        small.set(xticks=[], yticks=[], xlabel="", ylabel="")
        first, _, second = pattern.partition(": ")
        small.set_title(f"{first}\n{second}", size=8, color="#555555")
    write(_LEFT + 3.45, top + 0.02, "Simple ways to mix frames, for comparison", size=9)


_READ = (
    "One table, the same for every clip: how much\nof frame s (column) is added to frame t (row),\n"
    "purple, or taken off, orange; the mean over\nall channels of the first block.\n"
    "A model without the order of frames would\nhave one color beside the diagonal."
)
