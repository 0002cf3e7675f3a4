"""A textured surface that slides slowly under the things."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_LATTICE = 41  # knots a side; prime, so that the octaves do not repeat together
PATTERNS = ("clouds", "wood", "cloth", "tiles", "dots")


@dataclass(frozen=True, slots=True)
class Background:
    """The random numbers of a surface, independent of the frame size. Colors are sRGB in [0, 1]."""

    pattern: str
    color: np.ndarray
    second_color: np.ndarray
    angle: float
    period: float
    """Size of the pattern, in short sides of the frame."""
    lattice: np.ndarray
    velocity: np.ndarray
    """(x, y) in short sides per clip, symmetric about zero."""


def draw_background(rng: np.random.Generator) -> Background:
    """A random surface of muted color."""
    gray, hue, saturation = rng.uniform(0.3, 0.66), rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.22)
    color = gray + saturation * np.cos(hue + np.array([0.0, 2.1, 4.2])) / 2
    second = color * rng.uniform(0.62, 0.82) if gray > 0.45 else color + rng.uniform(0.1, 0.2)
    return Background(
        pattern=PATTERNS[rng.integers(len(PATTERNS))],
        color=color,
        second_color=second + rng.uniform(-0.05, 0.05, 3),
        angle=rng.uniform(0, np.pi),
        period=rng.uniform(0.12, 0.3),
        lattice=rng.random((_LATTICE, _LATTICE), dtype=np.float32),
        velocity=rng.uniform(-0.18, 0.18, 2),
    )


def _value_noise(lattice: np.ndarray, y: np.ndarray, x: np.ndarray, cell: float) -> np.ndarray:
    """Smoothly interpolated knots, in [0, 1], on the grid of `y` (H,) and `x` (W,)."""

    def knots(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = at / cell + 1000.0
        first = np.floor(at).astype(np.int64)
        part = (at - first).astype(np.float32)
        return first % _LATTICE, (first + 1) % _LATTICE, part * part * (3 - 2 * part)

    top, bottom, down = knots(y)
    left, right, along = knots(x)
    rows = lattice[top] + down[:, None] * (lattice[bottom] - lattice[top])
    return rows[:, left] + along * (rows[:, right] - rows[:, left])


def _texture(background: Background, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The still surface in 0..255, float32 (3, H, W), on the grid of `y` (H,) and `x` (W,)."""
    lattice = background.lattice
    coarse = _value_noise(lattice, y, x, 0.37)
    fine = _value_noise(lattice, y, x, 0.09)
    cos, sin = np.cos(background.angle), np.sin(background.angle)
    turn = 2 * np.pi / background.period
    along = ((x * cos + (y * sin)[:, None]) * turn).astype(np.float32)
    across = ((y * cos)[:, None] - x * sin).astype(np.float32) * np.float32(turn)
    if background.pattern == "clouds":
        pattern = coarse + 0.6 * fine - 0.3
    elif background.pattern == "wood":
        pattern = 0.5 + 0.4 * np.sin(along + 7.0 * coarse) + 0.2 * fine
    elif background.pattern == "cloth":
        pattern = 0.5 + 0.25 * np.sin(along) + 0.25 * np.sin(across)
    elif background.pattern == "tiles":
        pattern = 0.5 + np.clip(3.0 * np.sin(along / 2) * np.sin(across / 2), -0.5, 0.5)
    else:
        pattern = np.clip(1.6 * (np.sin(along / 2) * np.sin(across / 2)) ** 2 - 0.3, 0.0, 1.0)
    light = 0.82 + 0.24 * coarse + 0.12 * fine
    color = background.color.astype(np.float32)[:, None, None]
    step = (background.second_color - background.color).astype(np.float32)[:, None, None]
    return 255.0 * light * (color + pattern * step)


def render_background(
    background: Background, shift_x: np.ndarray, shift_y: np.ndarray, height: int, width: int
) -> Iterator[np.ndarray]:
    """The surface moved right and down by the shifts, in pixels: frame by frame.

    Args:
        background: The surface.
        shift_x: (T,) pixels to the right.
        shift_y: (T,) pixels down.
        height: Of the frame, in pixels.
        width: Of the frame, in pixels.

    Yields:
        float32 (3, H, W) in 0..255, T times the same array, which may be written to.
    """
    unit = min(height, width)
    first_x, first_y = -shift_x, -shift_y  # of the surface's pixel in the first pixel of the frame
    min_x, min_y = np.floor(first_x.min()), np.floor(first_y.min())
    size_x = width + int(np.floor(first_x.max()) - min_x) + 1
    size_y = height + int(np.floor(first_y.max()) - min_y) + 1
    x = (np.arange(size_x) + min_x + 0.5 - width / 2) / unit
    y = (np.arange(size_y) + min_y + 0.5 - height / 2) / unit
    surface = _texture(background, y, x)
    down = surface[:, 1:] - surface[:, :-1]
    frame = np.empty((3, height, width), np.float32)
    rows = np.empty((3, height, width + 1), np.float32)
    for at_x, at_y in zip(first_x - min_x, first_y - min_y, strict=True):
        left, top = int(at_x), int(at_y)
        part = slice(top, top + height), slice(left, left + width + 1)
        np.multiply(down[:, *part], np.float32(at_y - top), out=rows)
        rows += surface[:, *part]
        np.subtract(rows[..., 1:], rows[..., :-1], out=frame)
        frame *= np.float32(at_x - left)
        frame += rows[..., :-1]
        yield frame
