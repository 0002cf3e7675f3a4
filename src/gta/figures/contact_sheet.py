"""A contact sheet: clips as training sees them, a row each, with their labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gta.figures.lettering import Lettering, save

MOST_CLIPS, MOST_FRAMES = 8, 8
_LETTERS = 13
"""Characters of a title per inch."""


def draw_contact_sheet(path: Path, clips: np.ndarray, titles: Sequence[str]) -> None:
    """Writes `contact_sheet` to a .png file."""
    save(contact_sheet(clips, titles), path, dpi=80)


def contact_sheet(clips: np.ndarray, titles: Sequence[str]) -> Figure:
    """The picture: up to 8 clips, each with up to 8 of its frames, evenly taken.

    Args:
        clips: uint8 (B, T, H, W, 3).
        titles: A title for each clip, such as its class.
    """
    letters = Lettering(titles)
    with letters.used():
        return _figure(letters, clips[:MOST_CLIPS], titles)


def _figure(letters: Lettering, clips: np.ndarray, titles: Sequence[str]) -> Figure:
    num_frames = clips.shape[1]
    shown = np.linspace(0, num_frames - 1, min(num_frames, MOST_FRAMES)).round().astype(int)
    wide = max(1.5 * len(shown), 3)
    figure = Figure(figsize=(wide, 1.75 * len(clips)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subfigures(len(clips), 1, squeeze=False)[:, 0]
    for row, clip, title in zip(rows, clips, titles, strict=False):
        row.suptitle(letters.write(title, int(wide * _LETTERS)), fontsize=9, x=0.01, ha="left")
        for axes, frame in zip(row.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            axes.imshow(clip[frame])
            axes.set_axis_off()
    return figure
