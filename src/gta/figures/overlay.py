"""A clip in motion with what the model attends to, frame by frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from gta.figures.clip_sheets import components_row, evidence_rows, heading
from gta.figures.lettering import Lettering
from gta.figures.maps import Layer, joint_attention, spatial_attention, temporal_attention
from gta.figures.motion import rendered
from gta.figures.palette import FAINT, INK, KINDS, heat, overlay
from gta.figures.region_sheets import region_rows
from gta.figures.sheets import draw_cross
from gta.figures.subject import Subject, on_clip, spaced

_SIDE, _GAP = 2.35, 0.12
_TOP, _BARS = 1.0, 1.25
_DPI = 100


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture that moves."""

    title: str
    pictures: np.ndarray
    """uint8 (T, H, W, 3)."""
    marks: bool = False
    """Whether the query position is in it."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars for all frames, below the panels; they may change from frame to frame."""

    title: str
    values: np.ndarray
    """(T, T): for each shown frame, a number for each frame of the clip."""
    colors: tuple[str, str] = (INK, INK)
    """Colors of numbers above 0, and below."""
    even: float | None = None
    """The value if all frames were equal."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A figure, and what changes in it from frame to frame."""

    figure: Figure
    changes: list[Callable[[int], None]] = field(default_factory=list)
    """Functions that are called with the shown frame."""


Group = tuple[str, str, Sequence[Panel], Bars]
"""Heading, subheading, panels and bars of one model."""


def panels_of(subject: Subject) -> list[Panel]:
    """Panels of the clip, attention, evidence, regions and components."""
    frames, T, query = subject.frames, len(subject.frames), subject.query
    panels = [Panel("the clip", frames, marks=bool(subject.layers))]
    for layer in subject.layers:
        if layer.kind == "joint":
            weights, name = joint_attention(layer, query), "joint attention of the cross"
        elif layer.kind == "spatial":
            weights, name = spatial_attention(layer, query), "spatial attention of the cross"
        else:
            continue
        panels.append(Panel(name, overlay(frames, on_clip(weights, layer.frames, T)), marks=True))
    pictures = evidence_rows(subject)[0].pictures
    assert pictures is not None
    panels.append(Panel("evidence (Grad-CAM)", pictures))
    for row in region_rows(subject)[:1]:
        assert row.pictures is not None
        panels.append(Panel("regions of Region GTA", row.pictures))
    pictures = components_row(subject).pictures
    assert pictures is not None
    panels.append(Panel("principal components", pictures))
    return panels


def bars_of(subject: Subject) -> Bars:
    """Weights of frames: of GTA, or of temporal or joint attention; else the evidence."""
    T = len(subject.frames)

    def over_clip(values: np.ndarray, layer: Layer) -> np.ndarray:
        rows = np.stack([spaced(row, layer.frames, T) for row in values])
        return on_clip(rows, layer.frames, T)

    for layer in subject.layers:
        matrices = [matrix for matrix in subject.matrices if matrix.name == layer.name]
        if layer.kind == "global" and matrices:
            num_frames = len(layer.frames)
            added = np.sum([matrix.added_over(num_frames) for matrix in matrices], axis=0)
            return Bars(
                "GTA: what is added to the shown frame from each frame (purple), or subtracted",
                over_clip(added, layer),
                ("#542788", "#B35806"),
            )
        if layer.kind == "temporal":
            weights = temporal_attention(layer, subject.query)
            title = "temporal attention at the cross: the shown frame's weights of all frames"
            return Bars(title, over_clip(weights, layer), (KINDS[1], KINDS[1]), 1 / len(weights))
    for layer in subject.layers:
        if layer.kind == "joint":
            shares = spaced(joint_attention(layer, subject.query).sum((1, 2)), layer.frames, T)
            return Bars(
                "joint attention: the cross's share of each frame",
                np.tile(shares, (T, 1)),
                (KINDS[0], KINDS[0]),
                1 / len(layer.frames),
            )
    shares = evidence_rows(subject)[1].bars
    assert shares is not None
    even = 1 / len(subject.evidence.frames)
    return Bars("evidence: each frame's share", np.tile(shares, (T, 1)), (KINDS[5], KINDS[5]), even)


def overlay_frames(subject: Subject) -> np.ndarray:
    """The pictures of the overlay, one for each frame of the clip: uint8 (T, H, W, 3)."""
    return moving([overlay_group(subject)], subject)


def overlay_group(subject: Subject) -> Group:
    """The overlay's parts of one model."""
    return heading(subject), subject.answer, panels_of(subject), bars_of(subject)


def moving(groups: Sequence[Group], subject: Subject) -> np.ndarray:
    """Pictures of groups of panels, one below the other: uint8 (T, H, W, 3).

    Args:
        groups: A group for each model.
        subject: The subject with their query and frames.
    """
    page = laid_out(groups, subject)
    pictures = []
    for t in range(len(subject.frames)):
        for change in page.changes:
            change(t)
        pictures.append(rendered(page.figure))
    return np.stack(pictures)


def laid_out(groups: Sequence[Group], subject: Subject) -> Moving:
    """The figure of `moving`, at its first frame."""
    letters = Lettering([text for group in groups for text in group[:2]])
    _, height, width, _ = subject.frames.shape
    tall = _SIDE * height / width
    most = max(len(panels) for _, _, panels, _ in groups)
    wide = most * _SIDE + (most + 1) * _GAP
    part = _TOP + tall + _BARS
    with letters.used():
        figure = Figure(figsize=(wide, part * len(groups)), facecolor="white", dpi=_DPI)
        FigureCanvasAgg(figure)
        page = Moving(figure)
        for number, (title, text, panels, bars) in enumerate(groups):
            top = part * number
            _group(page, letters, (title, text), panels, bars, subject, top)
    return page


def _group(
    page: Moving,
    letters: Lettering,
    texts: tuple[str, str],
    panels: Sequence[Panel],
    bars: Bars,
    subject: Subject,
    top: float,
) -> None:
    figure = page.figure
    wide, high = figure.get_size_inches()
    _, height, width, _ = subject.frames.shape
    tall = _SIDE * height / width

    def axes(left: float, down: float, across: float, deep: float) -> Axes:
        return figure.add_axes(
            (left / wide, 1 - (top + down + deep) / high, across / wide, deep / high)
        )

    def write(left: float, down: float, text: str, **style) -> None:
        figure.text(left / wide, 1 - (top + down) / high, text, va="top", **style)

    title, text = texts
    write(_GAP, 0.1, letters.write(title, int(9.6 * wide)), size=13, weight="bold", color=INK)
    write(_GAP, 0.39, letters.write(text, int(13 * wide)), size=9.5, color="#444444")
    for place, panel in enumerate(panels):
        left = _GAP + place * (_SIDE + _GAP)
        write(left, 0.72, panel.title, size=9, color=INK)
        shown = axes(left, _TOP - 0.05, _SIDE, tall)
        image = shown.imshow(panel.pictures[0], aspect="auto", interpolation="bilinear")
        shown.set(xticks=[], yticks=[])
        for side in shown.spines.values():
            side.set_visible(False)
        page.changes.append(_changing(image, panel.pictures))
        if panel.marks:
            draw_cross(shown, subject.query.x, subject.query.y, size=10)
            page.changes.append(_marking(shown, subject.query.frame))
    write(_GAP, _TOP + tall + 0.06, bars.title, size=9, color=INK)
    shades = axes(wide - _GAP - 1.12, _TOP + tall + 0.085, 0.7, 0.1)
    shades.imshow(heat(np.linspace(0, 1, 64))[None], aspect="auto")
    shades.set_axis_off()
    write(wide - _GAP - 1.24, _TOP + tall + 0.06, "0", size=8, color=INK)
    write(wide - _GAP - 0.37, _TOP + tall + 0.06, "most", size=8, color=INK)
    below = axes(_GAP, _TOP + tall + 0.32, wide - 2 * _GAP, _BARS - 0.6)
    _draw_bars(page, below, bars)


def _changing(image: AxesImage, pictures: np.ndarray) -> Callable[[int], None]:
    return lambda t: image.set_data(pictures[t])


def _marking(axes: Axes, frame: int) -> Callable[[int], None]:
    """The cross is strong in the query's frame, and faint in the others."""
    lines = [*axes.lines]

    def change(t: int) -> None:
        for line in lines:
            line.set_alpha(1.0 if t == frame else 0.35)

    return change


def _draw_bars(page: Moving, axes: Axes, bars: Bars) -> None:
    values = np.nan_to_num(bars.values)
    T = values.shape[1]
    drawn = axes.bar(range(T), values[0], width=0.7)
    cursor = axes.axvspan(-0.5, 0.5, color="#00000018", linewidth=0)
    low, top = min(values.min(), 0), max(values.max(), bars.even or 0, 1e-12)
    axes.set_xlim(-0.5, T - 0.5)
    axes.set_ylim(1.08 * low, 1.08 * top)
    axes.axhline(0, color=INK, linewidth=0.8)
    if bars.even is not None:
        axes.axhline(bars.even, color=FAINT, linewidth=1, linestyle=(0, (3, 2)))
    ticks = sorted({round(i) for i in np.linspace(0, T - 1, min(T, 16))})
    named = axes.set_xticks(ticks, [f"{t}" if t else "frame 0" for t in ticks], fontsize=8)
    named[0].label1.set_horizontalalignment("left" if T > 8 else "center")  # or it is cut
    axes.tick_params(axis="x", length=0, pad=2)
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)

    def change(t: int) -> None:
        cursor.set_x(t - 0.5)
        for bar, value in zip(drawn, values[t], strict=True):
            bar.set_height(value)
            bar.set_color(bars.colors[0] if value >= 0 else bars.colors[1])

    page.changes.append(change)
