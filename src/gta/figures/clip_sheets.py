"""The sheets of one model and one clip: attention, swapped attention, evidence, components."""

import numpy as np
from matplotlib.figure import Figure

from gta.errors import UsageError
from gta.figures.components import component_colors
from gta.figures.maps import (
    Layer,
    Seen,
    joint_attention,
    spatial_attention,
    temporal_attention,
)
from gta.figures.palette import KINDS, enlarge, overlay
from gta.figures.sheets import Block, Row, columns_of, share, sheet
from gta.figures.subject import Subject, on_clip, spaced


def clip_row(subject: Subject) -> Row:
    """The clip without marks."""
    text = f"as the model sees it{subject.brightened}"
    return Row("The clip", text, pictures=subject.frames)


def frames_row(subject: Subject, text: str = "") -> Row:
    """The clip, with the query position."""
    query = subject.query
    return Row(
        "The clip",
        text or f"as the model sees it{subject.brightened}; the cross is the query position",
        pictures=subject.frames,
        crosses={query.frame: (query.x, query.y)},
        event=subject.event,
        swatches=((KINDS[2], "event"),) if subject.event else (),
    )


def attention_rows(subject: Subject, seen: Seen, *, prefix: str = "") -> list[Row]:
    """Attention maps of the blocks at the shown place."""
    rows: list[Row] = []
    for layer in subject.of_place(seen):
        if layer.kind == "joint":
            rows += _joint(subject, layer, prefix)
        elif layer.kind == "spatial":
            rows.append(_spatial(subject, layer, prefix))
        elif layer.kind == "temporal":
            rows.append(_temporal(subject, layer, prefix))
        elif layer.kind == "global":
            rows += _global(subject, layer)
    return rows


def _joint(subject: Subject, layer: Layer, prefix: str) -> list[Row]:
    weights = joint_attention(layer, subject.query)
    T = len(subject.frames)
    return [
        Row(
            _title(prefix, "joint attention"),
            f"of the query to all positions of all frames, one softmax ({where(layer)})",
            pictures=overlay(subject.frames, on_clip(weights, layer.frames, T)),
            scale=("0", share(float(weights.max()))),
        ),
        Row(
            _title(prefix, "its share of each frame"),
            "summed over positions",
            bars=spaced(weights.sum((1, 2)), layer.frames, T),
            even=True,
            event=subject.event,
            color=KINDS[0],
        ),
    ]


def _spatial(subject: Subject, layer: Layer, prefix: str) -> Row:
    weights = spatial_attention(layer, subject.query)
    T = len(subject.frames)
    frame = layer.frames[layer.cell(subject.query)[0]]
    return Row(
        _title(prefix, "spatial attention"),
        f"of the query's position to its own frame; the query's frame has an edge ({where(layer)})",
        pictures=overlay(subject.frames, on_clip(weights, layer.frames, T)),
        scale=("0", share(float(weights.max()))),
        framed=frame,
    )


def _temporal(subject: Subject, layer: Layer, prefix: str) -> Row:
    weights = temporal_attention(layer, subject.query)[layer.cell(subject.query)[0]]
    return Row(
        _title(prefix, "temporal attention"),
        "of the query to its position in all frames",
        bars=spaced(weights, layer.frames, len(subject.frames)),
        even=True,
        event=subject.event,
        color=KINDS[1],
    )


def _global(subject: Subject, layer: Layer) -> list[Row]:
    rows = []
    t = layer.cell(subject.query)[0]
    for matrix in subject.matrices:
        if matrix.name == layer.name:
            added = matrix.added_over(len(layer.frames))
            rows.append(
                Row(
                    f"GTA, {matrix.level} level",
                    "what is added to the query's frame from each frame, in thousandths of a "
                    "channel; the same for all clips",
                    bars=spaced(1000 * added[t], layer.frames, len(subject.frames)),
                    color=KINDS[2] if matrix.level == "pixel" else KINDS[3],
                )
            )
    return rows


def attention_sheet(subject: Subject) -> Figure | None:
    """The clip and the attention of its query position; None without attention blocks."""
    rows = attention_rows(subject, subject.seen)
    if not rows:
        return None
    return clip_sheet(
        subject,
        [frames_row(subject), *rows],
        "Colors are weights from 0 to the greatest of the row. The weight of a pooled key is "
        "divided among its positions. A high weight shows where a block looks, not what decides "
        "the answer.",
    )


def swapped_sheet(subject: Subject) -> Figure | None:
    """Attention as it is, and with the projections of its halves exchanged (Figure 6)."""
    try:
        other = subject.swapped
    except UsageError:
        return None
    best = subject.classes[int(other.probabilities.argmax())]
    rows = [
        frames_row(subject),
        *attention_rows(subject, subject.seen),
        *attention_rows(subject, other, prefix="swapped: "),
    ]
    return clip_sheet(
        subject,
        rows,
        f"Swapped: each half has the query, key and value projections of the other, in all places "
        f"of the network. The answer is then “{best}” ({other.probabilities.max():.0%}).",
    )


def evidence_sheet(subject: Subject) -> Figure:
    """Grad-CAM."""
    return clip_sheet(
        subject,
        [
            clip_row(subject),
            *evidence_rows(subject),
        ],
        "Grad-CAM: channels weighted by their gradient of the class's logit over the mean of all."
        + (
            " No position supports this class: the map shows what speaks least against it."
            if subject.evidence.relative
            else ""
        ),
    )


def evidence_rows(subject: Subject) -> list[Row]:
    """The evidence for the class by position, and the share of each frame."""
    evidence, T = subject.evidence, len(subject.frames)
    total = evidence.map.sum()
    return [
        Row(
            "Evidence (Grad-CAM)",
            f"for “{subject.classes[subject.label]}” (after {evidence.layer})",
            pictures=overlay(subject.frames, on_clip(evidence.map, evidence.frames, T)),
            scale=("none" if not evidence.relative else "least", "most"),
        ),
        Row(
            "Its share of each frame",
            "summed over positions",
            bars=spaced(evidence.map.sum((1, 2)) / total, evidence.frames, T),
            even=True,
            event=subject.event,
            color=KINDS[5],
        ),
    ]


def components_sheet(subject: Subject) -> Figure:
    """Principal components of features."""
    return clip_sheet(
        subject,
        [clip_row(subject), components_row(subject)],
        "The directions are those of the whole clip, so a color means the same in every frame. "
        "The first component is lightness, the second blue to yellow, the third green to magenta.",
    )


def components_row(subject: Subject) -> Row:
    """The principal components of the features, as colors."""
    parts = subject.components
    size = subject.frames.shape[1:3]
    channels = [enlarge(parts.scores[..., c], size) for c in range(3)]
    colors = component_colors(np.stack(channels, -1))
    first, second, third = (f"{share:.0%}" for share in parts.explained)
    return Row(
        "Principal components",
        f"of the features after {parts.layer}: {first}, {second} and {third} of their variance",
        pictures=on_clip(colors, parts.frames, len(subject.frames)),
    )


def clip_sheet(subject: Subject, rows: list[Row], note: str) -> Figure:
    """Rows of one model and one clip, under the model's answer."""
    T = len(subject.frames)
    must = subject.query.frame if T > 8 else None
    return sheet([Block(heading(subject), rows, subject.answer)], columns_of(T, must), T, note)


def heading(subject: Subject) -> str:
    """The model's name and its answer."""
    truth = "" if subject.truth is None else f", a clip of “{subject.truth}”"
    return f"{subject.name}: “{subject.ranked[0][0]}”{truth}"


def _title(prefix: str, name: str) -> str:
    text = prefix + name
    return text[0].upper() + text[1:]


def where(layer: Layer) -> str:
    """The place of a block and its grid, in words."""
    _, H, W = layer.grid
    place = layer.name.removeprefix("inserted.").rpartition(".")[0] or layer.name
    return f"{place}, {H}x{W}"
