"""A line of text to lay over the lower edge of a video."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gta.figures.lettering import Lettering

_DPI = 100
_HEIGHT = 0.09
"""Height of the strip, as a share of the frame's height."""
_LEAST = 14
"""Least pixels of a letter's height: smaller letters cannot be read."""


def label_strip(text: str, width: int, height: int) -> np.ndarray:
    """White letters on a dark, half transparent ground: uint8 (h, width, 4), red to alpha.

    Args:
        text: A line; cut if it is wider than the frame.
        width: Width of the frame in pixels.
        height: Height of the frame in pixels.
    """
    tall = min(max(round(height * _HEIGHT), _LEAST), height)
    size = 0.55 * tall / _DPI * 72
    letters = Lettering([text])
    with letters.used():
        figure = Figure(figsize=(width / _DPI, tall / _DPI), dpi=_DPI, facecolor=(0, 0, 0, 0.6))
        canvas = FigureCanvasAgg(figure)
        most = max(int(width / (0.62 * size * _DPI / 72)) - 1, 1)
        line = letters.write(text, most)
        figure.text(0.3 * tall / width, 0.5, line, color="white", fontsize=size, va="center")
        canvas.draw()
        strip = np.asarray(canvas.buffer_rgba()).copy()
    return strip[:tall, :width]
