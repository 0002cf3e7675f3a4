"""Sheets: frames of a clip from left to right, and rows of maps or bars below.

A sheet is laid out in inches, so that a row looks the same whatever else is on the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gta.figures.lettering import Lettering
from gta.figures.palette import FAINT, INK, KINDS, QUERY, heat

MOST_COLUMNS = 8
"""Most frames of a sheet, taken evenly."""
_CELL, _GAP = 1.3, 0.06
_LEFT, _RIGHT, _MARGIN = 2.15, 0.95, 0.18
_NARROWEST = 7.0
"""Least width of a sheet, so that headings fit above a single frame."""
_BARS = 0.85
"""Height of a row of bars."""
_EVENT: dict[str, Any] = {"color": KINDS[2], "linewidth": 0, "clip_on": False}
_MOST_NAMED = 16
"""Most bars with numbers; beyond, only the highest and the lowest have them."""
_LETTERS = 15
"""Characters per inch of the text beside a row."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: pictures of the shown frames, or bars of all frames."""

    title: str
    text: str = ""
    """A line or two below the title."""
    pictures: np.ndarray | None = None
    """uint8 (T, H, W, 3), a picture for each frame of the clip."""
    bars: np.ndarray | None = None
    """(T,) numbers, one for each frame of the clip; NaN: no bar."""
    scale: tuple[str, str] | None = None
    """Labels of the ends of the pictures' color scale; None: no scale is drawn."""
    color: str = INK
    """Color of the bars."""
    even: bool = False
    """Whether a line shows the value if all frames were equal."""
    crosses: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Query positions (x, y) in pixels, by frame."""
    framed: int | None = None
    """A frame that has an edge in the query's color."""
    event: tuple[int, ...] = ()
    """Frames that are marked: those of the clip's event, if known."""
    swatches: tuple[tuple[str, str], ...] = ()
    """(color, name) of a legend beside the row."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows about one clip, under a heading."""

    heading: str
    rows: Sequence[Row]
    subheading: str = ""


def columns_of(num_frames: int, must: int | None = None, most: int = MOST_COLUMNS) -> list[int]:
    """The shown frames, evenly taken; `must` replaces the nearest."""
    count = min(num_frames, most)
    shown = [round(i) for i in np.linspace(0, num_frames - 1, count)]
    if must is not None and must not in shown:
        shown[int(np.argmin([abs(frame - must) for frame in shown]))] = must
    return sorted(shown)


def sheet(
    blocks: Sequence[Block], columns: Sequence[int], num_frames: int, note: str = ""
) -> Figure:
    """The picture.

    Args:
        blocks: Blocks of rows, from top to bottom.
        columns: The shown frames, from `columns_of`.
        num_frames: T of the clips.
        note: A line at the end: what the sheet shows, and what it does not.
    """
    texts = [
        text
        for block in blocks
        for text in (
            block.heading,
            block.subheading,
            *(
                row.title + row.text + "".join(name for _, name in row.swatches)
                for row in block.rows
            ),
        )
    ]
    letters = Lettering([*texts, note])
    with letters.used():
        return _sheet(letters, blocks, columns, num_frames, note)


def _sheet(
    letters: Lettering,
    blocks: Sequence[Block],
    columns: Sequence[int],
    num_frames: int,
    note: str,
) -> Figure:
    width = _MARGIN + _LEFT + len(columns) * _CELL + (len(columns) - 1) * _GAP + _RIGHT
    width = max(width, _NARROWEST)
    ratio = next(
        (
            row.pictures.shape[1] / row.pictures.shape[2]
            for block in blocks
            for row in block.rows
            if row.pictures is not None
        ),
        1.0,
    )
    noted = letters.fold(note, int((width - 2 * _MARGIN) * 15.5)).split("\n") if note else []
    heights = [[_height(row, ratio) for row in block.rows] for block in blocks]
    heads = [0.42 + 0.22 * bool(block.subheading) for block in blocks]
    total = (
        _MARGIN
        + sum(heads)
        + sum(map(sum, heights))
        + 0.1 * sum(map(len, heights))
        + 0.25 * len(blocks)
        + 0.17 * len(noted)
        + _MARGIN
    )
    page = _Page(Figure(figsize=(width, total), facecolor="white"), width, total)
    top = _MARGIN
    for block, head, tall in zip(blocks, heads, heights, strict=True):
        most = int((width - 2 * _MARGIN) * 9.2)
        page.text(_MARGIN, top, letters.write(block.heading, most), size=13, weight="bold")
        if block.subheading:
            text = letters.write(block.subheading, int(most * 1.35))
            page.text(_MARGIN, top + 0.26, text, size=9.5, color="#444444")
        top += head
        for number, (row, height) in enumerate(zip(block.rows, tall, strict=True)):
            _draw(page, letters, row, top, height, columns, num_frames, first=number == 0)
            top += height + 0.1
        top += 0.25
    for line in noted:
        page.text(_MARGIN, top - 0.15, line, size=8, color="#555555")
        top += 0.17
    return page.figure


def _height(row: Row, ratio: float) -> float:
    if row.bars is not None:
        return _BARS
    return _CELL * ratio


@dataclass(frozen=True, slots=True)
class _Page:
    figure: Figure
    width: float
    height: float

    def __post_init__(self):
        FigureCanvasAgg(self.figure)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        box = (
            left / self.width,
            1 - (top + height) / self.height,
            width / self.width,
            height / self.height,
        )
        return self.figure.add_axes(box)

    def text(self, left: float, top: float, text: str, **style) -> None:
        style = {"va": "top", "ha": "left", "color": INK, "linespacing": 1.25} | style
        self.figure.text(left / self.width, 1 - top / self.height, text, **style)


def _draw(
    page: _Page,
    letters: Lettering,
    row: Row,
    top: float,
    height: float,
    columns: Sequence[int],
    num_frames: int,
    *,
    first: bool,
) -> None:
    across = int((_LEFT - 0.15) * _LETTERS)
    title = letters.fold(row.title, int(across * 0.78))
    page.text(_MARGIN, top + 0.02, title, size=9.5, weight="bold")
    lines = 1 + title.count("\n")
    text = letters.fold(row.text, across)
    page.text(_MARGIN, top + 0.06 + 0.165 * lines, text, size=8, color="#555555")
    left = _MARGIN + _LEFT
    wide = len(columns) * _CELL + (len(columns) - 1) * _GAP
    if row.pictures is not None:
        for column, frame in enumerate(columns):
            axes = page.axes(left + column * (_CELL + _GAP), top, _CELL, height)
            _draw_picture(axes, row, frame)
            if first:
                axes.text(
                    *(0.04, 0.96, f"{frame}"),
                    **{"transform": axes.transAxes, "va": "top", "size": 8, "color": "white"},
                    path_effects=[patheffects.withStroke(linewidth=2, foreground="black")],
                )
    if row.bars is not None:
        axes = page.axes(left, top + 0.05, wide, height - 0.22)
        _draw_bars(axes, row, columns, num_frames)
    right = left + wide + 0.12
    if row.scale is not None:
        down = 0.12 + 0.2 * len(row.swatches)
        _draw_scale(page.axes(right, top + down, 0.1, height - 0.12 - down), row.scale)
    for number, (color, name) in enumerate(row.swatches):
        y = top + 0.02 + 0.15 * number
        page.axes(right, y + 0.01, 0.11, 0.11).set(facecolor=color, xticks=[], yticks=[])
        page.text(right + 0.16, y, letters.write(name, 12), size=7)


def _draw_picture(axes: Axes, row: Row, frame: int) -> None:
    assert row.pictures is not None
    axes.imshow(row.pictures[frame], interpolation="bilinear", aspect="auto")
    axes.set(xticks=[], yticks=[])
    framed = row.framed == frame
    for side in axes.spines.values():
        side.set(visible=framed, color=QUERY, linewidth=2.5)
    if frame in row.event:
        axes.add_patch(Rectangle((0, -0.06), 1, 0.045, transform=axes.transAxes, **_EVENT))
    if frame in row.crosses:
        draw_cross(axes, *row.crosses[frame])


def draw_cross(axes: Axes, x: float, y: float, size: float = 9) -> None:
    """The mark of a query position, at (x, y) in pixels."""
    for width, color in ((4.5, "black"), (2.2, QUERY)):
        axes.plot(
            [x - 0.5],
            [y - 0.5],
            marker="x",
            markersize=size + (width > 4),
            markeredgewidth=width,
            color=color,
            clip_on=False,
        )


def _draw_bars(axes: Axes, row: Row, columns: Sequence[int], num_frames: int) -> None:
    assert row.bars is not None
    values = np.asarray(row.bars, dtype=float)
    if len(columns) == num_frames:  # each below its frame
        step = (_CELL + _GAP) / _CELL
        axes.set_xlim(-0.5, -0.5 + (num_frames - 1) * step + 1)
        places = np.arange(num_frames) * step
    else:
        axes.set_xlim(-0.5, num_frames - 0.5)
        places = np.arange(num_frames, dtype=float)
    there = ~np.isnan(values)
    wide = 0.62
    for frame in row.event:
        axes.axvspan(places[frame] - 0.5, places[frame] + 0.5, color=KINDS[2], alpha=0.13, lw=0)
    axes.bar(places[there], values[there], width=wide, color=row.color, linewidth=0)
    top, low = max(np.nanmax(values), 0), min(np.nanmin(values), 0)
    if row.even:
        even = 1 / max(int(there.sum()), 1)
        top = max(top, even)
        axes.axhline(even, color=FAINT, linewidth=1, linestyle=(0, (3, 2)))
        axes.text(
            *(1.005, even, "all alike"),
            **{"transform": axes.get_yaxis_transform(), "va": "center", "size": 7, "color": FAINT},
        )
    span = (top - low) or 1.0
    axes.set_ylim(low - 0.3 * span * (low < 0), top + 0.3 * span)
    axes.axhline(0, color=INK, linewidth=0.8)
    shown = [frame for frame in range(num_frames) if there[frame]]
    named = shown
    if len(shown) > _MOST_NAMED:  # the highest and the lowest give the scale of all
        named = sorted({max(shown, key=values.__getitem__), min(shown, key=values.__getitem__)})
    for frame in named:
        value = values[frame]
        axes.text(
            places[frame],
            value + 0.03 * span * (1 if value >= 0 else -1),
            _number(value, row.even, digits=int(len(shown) > _MOST_NAMED)),
            ha="center",
            va="bottom" if value >= 0 else "top",
            size=7.5,
            color=INK,
            path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
        )
    marked = shown if len(shown) <= _MOST_NAMED else columns_of(num_frames)
    axes.set_xticks(places[marked], [str(frame) for frame in marked], fontsize=7)
    axes.tick_params(axis="x", length=0, pad=2, colors="#555555")
    axes.set_yticks([])
    for name, side in axes.spines.items():
        side.set_visible(name == "bottom" and low == 0)


def _number(value: float, share: bool, digits: int) -> str:
    return f"{value:.{digits}%}" if share else f"{value:+.2f}".replace("-", "−")


def _draw_scale(axes: Axes, ends: tuple[str, str]) -> None:
    shades = ListedColormap(heat(np.linspace(0, 1, 128)))
    bar = axes.figure.colorbar(ScalarMappable(Normalize(0, 1), shades), cax=axes)
    bar.set_ticks([0, 1], labels=ends)
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_visible(False)  # pyright: ignore


def share(value: float) -> str:
    """A weight at the end of a scale."""
    return f"{value:.1%}" if value >= 0.01 else f"{value:.2g}"
