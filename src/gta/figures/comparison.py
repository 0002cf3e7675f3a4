"""The quickstart's picture: a clip, what three models make of it, and GTA's temporal matrix."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gta.figures.lettering import Lettering, save

_CORRECT, _WRONG = "#2a7f3f", "#b5452c"


def draw_comparison(
    path: Path,
    *,
    frames: np.ndarray,
    label: str,
    predictions: Mapping[str, Sequence[tuple[str, float]]],
    matrix: np.ndarray,
    title: str,
) -> None:
    """Writes `comparison_figure` to a .png file."""
    figure = comparison_figure(
        frames=frames, label=label, predictions=predictions, matrix=matrix, title=title
    )
    save(figure, path, dpi=110)


def comparison_figure(
    *,
    frames: np.ndarray,
    label: str,
    predictions: Mapping[str, Sequence[tuple[str, float]]],
    matrix: np.ndarray,
    title: str,
) -> Figure:
    """The picture.

    Args:
        frames: uint8 (T, H, W, 3), what the models see.
        label: The clip's class.
        predictions: Model name to (class, probability), the most probable first.
        matrix: (G, T, G, T), `GlobalTemporalAttention.matrix`: head k, frame t, group g, frame s.
        title: Of the whole picture.
    """
    classes = [each for ranked in predictions.values() for each, _ in ranked]
    letters = Lettering([*classes, *predictions, label, title])
    with letters.used():
        return _figure(letters, frames, label, predictions, matrix, title)


def _figure(
    letters: Lettering,
    frames: np.ndarray,
    label: str,
    predictions: Mapping[str, Sequence[tuple[str, float]]],
    matrix: np.ndarray,
    title: str,
) -> Figure:
    figure = Figure(figsize=(12, 9), layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(3, 1, squeeze=False, height_ratios=[1.1, 1.5, 3.2])
    clip, bars, matrices = parts[:, 0]
    figure.suptitle(letters.fold(title, 110), fontsize=13)

    clip.suptitle(f"A held-out clip: “{letters.write(label, 110)}”", fontsize=11)
    for t, (axes, frame) in enumerate(zip(clip.subplots(1, len(frames)), frames, strict=True)):
        axes.imshow(frame)
        axes.set_title(f"t = {t}", fontsize=8)
        axes.set_axis_off()

    rows = bars.subplots(1, len(predictions))
    for axes, (name, ranked) in zip(rows, predictions.items(), strict=True):
        _draw_scores(axes, letters, name, ranked[:4], label)
    _draw_matrix(matrices, matrix)
    return figure


def _draw_scores(
    axes, letters: Lettering, name: str, ranked: Sequence[tuple[str, float]], label: str
) -> None:
    colors = [_CORRECT if each == label else _WRONG for each, _ in ranked]
    rows = range(len(ranked))
    axes.barh(rows, [score for _, score in ranked], color=colors, height=0.85)
    for row, (each, score) in zip(rows, ranked, strict=True):
        axes.text(0.02, row, f"{letters.write(each, 52)}  {score:.0%}", va="center", fontsize=7.5)
    verdict = "right" if ranked[0][0] == label else "wrong"
    axes.set_title(f"{letters.write(name, 36)}: {verdict}", fontsize=10)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(ranked) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    for bar in axes.patches:
        bar.set_alpha(0.45)


def _draw_matrix(figure, matrix: np.ndarray) -> None:
    """The whole matrix as it is applied, and the strongest of its T x T parts."""
    G, T, _, _ = matrix.shape
    whole = matrix.reshape(G * T, G * T)
    limit = float(np.quantile(np.abs(whole), 0.995)) or 1.0
    left, right = figure.subplots(1, 2)
    shown = left.imshow(whole, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    for edge in range(T, G * T, T):
        left.axhline(edge - 0.5, color="black", linewidth=0.4)
        left.axvline(edge - 0.5, color="black", linewidth=0.4)
    centers = [g * T + (T - 1) / 2 for g in range(G)]
    left.set_xticks(centers, [str(g) for g in range(G)], fontsize=8)
    left.set_yticks(centers, [str(k) for k in range(G)], fontsize=8)
    left.set_xlabel("from channel group g, frames 0 to T-1 in each")
    left.set_ylabel("to head k")
    left.set_title("The learned temporal matrix of the first GTA block (Eq. 6 to 8)", fontsize=10)
    norms = np.sqrt((matrix**2).sum((1, 3)))
    k, g = np.unravel_index(norms.argmax(), norms.shape)
    right.imshow(matrix[k, :, g], cmap="RdBu_r", vmin=-limit, vmax=limit)
    right.set_xticks(range(T))
    right.set_yticks(range(T))
    right.set_xlabel("from frame s")
    right.set_ylabel("to frame t")
    right.set_title(f"Its strongest part: head {k}, group {g}", fontsize=10)
    figure.colorbar(shown, ax=[left, right], shrink=0.8, label="weight, the same for all clips")
