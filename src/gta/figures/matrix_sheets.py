"""GTA's learned matrices as figures: a summary for newcomers, and every part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from gta.figures.lettering import Lettering
from gta.figures.matrices import Matrix, by_lag, likeness, patterns
from gta.figures.palette import FAINT, INK, SIGNED, UNSIGNED

_MOST_TICKS = 8
_TITLE: dict[str, Any] = {"weight": "bold", "color": INK, "va": "top"}


def summary_figure(matrices: Sequence[Matrix], name: str, *, heading: str = "") -> Figure:
    """A row for each block and level: what is added from which frame; below, simple patterns.

    Args:
        matrices: The matrices of a network, at least one.
        name: Name of the model.
        heading: Heading in place of the default.
    """
    letters = Lettering([name, heading, *(matrix.name for matrix in matrices)])
    with letters.used():
        rows = len(matrices)
        figure = Figure(figsize=(12.6, 1.4 + 2.55 * rows + 2.65), facecolor="white")
        FigureCanvasAgg(figure)
        title = heading or f"{name}: what each frame takes from each other, the same for all clips"
        if matrices[0].causal and not heading:
            title = f"{name}: what each frame takes from itself and those before, in all clips"
        inches = figure.get_figheight()
        figure.text(0.018, 1 - 0.14 / inches, letters.write(title, 110), **_TITLE, size=13)
        figure.text(
            *(0.018, 1 - 0.46 / inches, _EXPLAINED),
            **{"size": 9.5, "va": "top", "color": "#444444", "linespacing": 1.35},
        )
        grid = figure.add_gridspec(
            *(rows + 1, 4),
            left=0.155,
            right=0.975,
            top=1 - 1.6 / inches,
            bottom=0.42 / inches,
            wspace=0.42,
            hspace=0.55,
            width_ratios=[1, 1, 1, 1.25],
        )
        for row, matrix in enumerate(matrices):
            axes = [figure.add_subplot(grid[row, column]) for column in range(4)]
            _summary_row(figure, axes, letters, matrix, first=row == 0)
        box = figure.add_subplot(grid[rows, 0]).get_position()
        figure.axes[-1].remove()
        figure.text(
            *(0.018, box.y1, "For comparison:\nsimple ways\nto mix frames"),
            **_TITLE,
            size=9.5,
            linespacing=1.3,
        )
        T, causal = matrices[0].weights.shape[1], matrices[0].causal
        for column, (pattern, values) in enumerate(patterns(T, causal=causal).items()):
            axes = figure.add_subplot(grid[rows, column])
            draw_square(axes, values, 1.0 if column < 2 else 1 / T)
            first, _, second = pattern.partition(": ")
            axes.set_title(f"{first}\n{second}", size=8.5, color=INK)
        return figure


_EXPLAINED = (
    "Row t, column s: how much of frame s is added to frame t (purple) or taken off (orange). "
    "“Added” follows a channel through the whole branch and back to itself,\non the mean of all "
    "channels; “mean of groups” and “strength” (root of the mean square) are of the learned "
    "numbers themselves, over all heads and channel groups.\n“Like”: the cosine with the simple "
    "ways of the last row, −1 to 1."
)


def _summary_row(
    figure: Figure, axes: Sequence[Axes], letters: Lettering, matrix: Matrix, *, first: bool
) -> None:
    added, mean, strength, lags = axes
    box = added.get_position()
    block = matrix.name.removeprefix("inserted.").rpartition(".")[0] or matrix.name
    G = matrix.weights.shape[2]
    figure.text(0.018, box.y1, letters.write(f"{block}", 18), **_TITLE, size=9.5)
    text = f"{matrix.level} level\n{matrix.weights.shape[0]} heads\n{G} groups"
    figure.text(
        *(0.018, box.y1 - 0.22 / figure.get_figheight(), text),
        **{"va": "top", "size": 8.5, "color": "#555555", "linespacing": 1.35},
    )
    strength_values = matrix.strength
    for place, values, title in (
        (added, matrix.added, "added, with its sign"),
        (mean, matrix.mean, "mean of groups, with its sign"),
        (strength, strength_values, "strength over groups"),
    ):
        limit = float(np.abs(values).max()) or 1.0
        draw_square(place, values, limit, signed=values is not strength_values)
        place.set_title(title, size=9 if first else 8.5, color=INK)
        draw_scale(figure, place, limit, signed=values is not strength_values)
    alike = likeness(matrix.added, causal=matrix.causal)
    cosines = ", ".join(f"{each} {cosine:+.2f}" for each, cosine in alike.items())
    offsets, values = by_lag(matrix.added)
    colors = np.where(values >= 0, "#542788", "#B35806")
    wide = 0.75 if len(values) <= 31 else 1.0  # gaps of thin bars make stripes
    lags.bar(offsets, values, width=wide, color=colors, linewidth=0, antialiased=wide < 1)
    lags.axhline(0, color=INK, linewidth=0.8)
    lags.axvline(0, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    lags.set_title(f"added, by distance in time\nlike: {cosines}".replace("-", "−"), size=8)
    lags.set_xlabel("← earlier frames    later frames →", size=8, color="#555555")
    ends = max(abs(offsets))
    lags.set_xticks(sorted({-ends, -(ends // 2), 0, ends // 2, ends}))
    lags.tick_params(labelsize=7, length=2)
    lags.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    lags.yaxis.get_offset_text().set_fontsize(7)
    for side in ("top", "right"):
        lags.spines[side].set_visible(False)


def draw_square(axes: Axes, values: np.ndarray, limit: float, *, signed: bool = True) -> None:
    """A (T, T) matrix, rows are output frames; from -limit to limit, or from 0 if unsigned."""
    colors, low = (SIGNED, -limit) if signed else (UNSIGNED, 0)
    axes.imshow(values, cmap=colors, vmin=low, vmax=limit, interpolation="nearest")
    T = len(values)
    ticks = sorted({round(i) for i in np.linspace(0, T - 1, min(T, _MOST_TICKS))})
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.tick_params(labelsize=7, length=2, pad=2)
    axes.set_xlabel("from frame s", size=8, color="#555555", labelpad=1)
    axes.set_ylabel("to frame t", size=8, color="#555555", labelpad=1)
    for side in axes.spines.values():
        side.set(color="#bbbbbb", linewidth=0.6)


def draw_scale(
    figure: Figure | SubFigure, axes: Axes, limit: float, *, signed: bool = True
) -> None:
    """The scale of `draw_square`, at its right."""
    inset = axes.inset_axes((1.04, 0.0, 0.05, 1.0))
    colors, low = (SIGNED, -limit) if signed else (UNSIGNED, 0)
    bar = figure.colorbar(ScalarMappable(Normalize(low, limit), colors), cax=inset)
    ticks = {-limit: f"−{limit:.2g}", 0: "0", limit: f"{limit:.2g}"}
    shown = [tick for tick in ticks if tick >= low]
    bar.set_ticks(shown, labels=[ticks[tick] for tick in shown])
    bar.ax.tick_params(labelsize=6.5, length=2, pad=1)
    bar.outline.set_visible(False)  # pyright: ignore


def parts_figure(matrix: Matrix, name: str) -> Figure:
    """Every T x T part of one matrix, as it is applied: heads down, groups across."""
    letters = Lettering([name, matrix.name])
    K, T, G, _ = matrix.weights.shape
    whole = matrix.weights.reshape(K * T, G * T)
    limit = float(np.quantile(np.abs(whole), 0.995)) or 1.0
    with letters.used():
        figure = Figure(figsize=(2.3 + 0.95 * G, 1.6 + 0.95 * K), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        shown = axes.imshow(whole, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        for edge in range(T, G * T, T):
            axes.axvline(edge - 0.5, color="white", linewidth=2)
        for edge in range(T, K * T, T):
            axes.axhline(edge - 0.5, color="white", linewidth=2)
        axes.set_xticks([g * T + (T - 1) / 2 for g in range(G)], [str(g) for g in range(G)])
        axes.set_yticks([k * T + (T - 1) / 2 for k in range(K)], [str(k) for k in range(K)])
        axes.tick_params(length=0, labelsize=8)
        axes.set_xlabel(f"from channel group g, frames 0 to {T - 1} in each")
        axes.set_ylabel(f"to head k, frames 0 to {T - 1} in each")
        for side in axes.spines.values():
            side.set_visible(False)
        title = f"{name}, {matrix.name.removeprefix('inserted.')}, {matrix.level} level"
        axes.set_title(letters.write(title, int(13 * (2.3 + 0.95 * G))), loc="left", size=10)
        bar = figure.colorbar(shown, ax=axes, shrink=0.6, extend="both")
        bar.set_label("learned weight", size=8)
        bar.ax.tick_params(labelsize=7)
        return figure
