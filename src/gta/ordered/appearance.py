"""The look of a thing: an outline, a color, and a mark that shows its orientation.

Outlines and marks are functions of the thing's own coordinates `(u, v)`: u to its right, v down,
1 at its half width and half height.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def _disc(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.sqrt(u * u + v * v) - 1.0


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) - 0.88


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(v, 0.866 * np.abs(u) - 0.5 * v) - 0.6


def _hexagon(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    v = np.abs(v)
    return np.maximum(v, 0.866 * np.abs(u) + 0.5 * v) - 0.9


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    fifth = 2 * np.pi / 5
    theta = np.abs((np.arctan2(u, -v) + 5.5 * fifth) % fifth - fifth / 2)
    radius = np.sqrt(u * u + v * v)
    # One edge, from the tip at (1.15, 0) to the notch at radius 0.6.
    return 0.446 * (radius * np.cos(theta) - 1.15) + 0.895 * radius * np.sin(theta)


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    u, v = np.abs(u), np.abs(v)
    return np.minimum(np.maximum(u - 1.0, v - 0.4), np.maximum(u - 0.4, v - 1.0))


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    u = np.abs(u)
    lobe = np.sqrt((u - 0.47) ** 2 + (v + 0.3) ** 2) - 0.53
    point = np.maximum(np.maximum(u + v - 0.92, u - v - 0.77) * 0.707, -v - 0.3)
    return np.minimum(lobe, point)


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    bite = 0.75 - np.sqrt(u * u + (v - 0.62) ** 2)
    return np.maximum(np.sqrt(u * u + v * v) - 1.0, bite)


Field = Callable[[np.ndarray, np.ndarray], np.ndarray]

OUTLINES: dict[str, Field] = {
    "disc": _disc,
    "square": _square,
    "triangle": _triangle,
    "hexagon": _hexagon,
    "star": _star,
    "cross": _cross,
    "heart": _heart,
    "crescent": _crescent,
}
"""Signed distance to the edge in half widths, negative inside."""


def edge_distance(
    outline: str, u: np.ndarray, v: np.ndarray, half_width: np.ndarray, half_height: np.ndarray
) -> np.ndarray:
    """Signed distance to the edge in pixels, for a thing with these half sizes in pixels.

    Only a square may be stretched; the other outlines take their half width for both.
    """
    if outline == "square":
        return np.maximum((np.abs(u) - 0.88) * half_width, (np.abs(v) - 0.88) * half_height)
    return OUTLINES[outline](u, v) * half_width


MARKS: dict[str, Field] = {
    "none": lambda u, v: np.full_like(u, -1.0),
    "half": lambda u, v: -0.05 - v,
    "dot": lambda u, v: 0.32 - np.sqrt(u * u + (v + 0.42) ** 2),
    "wedge": lambda u, v: (-v - np.abs(u)) * 0.707,
    "stripe": lambda u, v: 0.2 - np.abs(v + 0.35),
}
"""Positive on the mark, which is at the top of a thing at angle 0."""

COLORS: dict[str, tuple[float, float, float]] = {
    "red": (0.88, 0.16, 0.15),
    "orange": (0.97, 0.52, 0.10),
    "yellow": (0.98, 0.84, 0.18),
    "green": (0.20, 0.68, 0.27),
    "teal": (0.08, 0.66, 0.66),
    "blue": (0.14, 0.36, 0.86),
    "purple": (0.53, 0.22, 0.75),
    "pink": (0.95, 0.42, 0.67),
    "white": (0.95, 0.95, 0.93),
    "black": (0.10, 0.10, 0.12),
}
"""sRGB, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Look:
    """The unchanging part of a thing: keys of `OUTLINES` and `MARKS`, sRGB colors in [0, 1]."""

    color_name: str
    outline: str
    mark: str
    color: np.ndarray
    mark_color: np.ndarray

    def __str__(self) -> str:
        return f"{self.color_name} {self.outline}"


def _luminance(color: np.ndarray) -> float:
    return float(color @ np.array([0.299, 0.587, 0.114]))


def draw_look(
    rng: np.random.Generator,
    background: np.ndarray,
    *,
    outline: str | None = None,
    unlike: Look | None = None,
) -> Look:
    """A random look in clear contrast to `background`, an sRGB color in [0, 1].

    Args:
        rng: The random generator.
        background: sRGB in [0, 1].
        outline: A key of `OUTLINES`; None: any.
        unlike: A look whose color is excluded.
    """
    apart = [
        name
        for name, color in COLORS.items()
        if np.abs(np.array(color) - background).sum() > 0.7
        and (unlike is None or name != unlike.color_name)
    ]
    color_name = apart[rng.integers(len(apart))]
    color = np.array(COLORS[color_name])
    tint = 0.15 * rng.random(3)
    light = _luminance(color) < 0.5
    mark_color = 1.0 - tint if light else 0.05 + tint
    return Look(
        color_name=color_name,
        outline=outline or list(OUTLINES)[rng.integers(len(OUTLINES))],
        mark=list(MARKS)[rng.integers(1, len(MARKS))],
        color=color,
        mark_color=mark_color,
    )
