"""All pictures of one model and one clip, as files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gta.errors import UsageError
from gta.figures.clip_sheets import (
    attention_sheet,
    components_sheet,
    evidence_sheet,
    swapped_sheet,
)
from gta.figures.lettering import save
from gta.figures.maps import attention_over_frames
from gta.figures.matrices import by_lag, likeness
from gta.figures.matrix_sheets import parts_figure, summary_figure
from gta.figures.motion import SUFFIXES, playing_rate, write_motion
from gta.figures.overlay import overlay_frames
from gta.figures.region_sheets import regions_sheet
from gta.figures.regions import region_shares
from gta.figures.subject import Subject
from gta.files import write_atomically

DPI = 110


def show(
    subject: Subject, folder: Path, *, say: Callable[[str], None] = lambda text: None
) -> dict[str, list[str]]:
    """Writes the overlay in motion and the sheets of a clip; the paths by the kind of picture.

    Parts that a network does not have (regions, matrices, attention) have no picture.

    Args:
        subject: The model and the clip.
        folder: The folder of the files; made if needed.
        say: Takes a line about each file.
    """
    _ = subject.query, subject.label, subject.evidence  # raise before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, list[str]] = {"overlay": []}
    pictures, rate = overlay_frames(subject), playing_rate(len(subject.frames))
    for suffix in SUFFIXES:
        path = folder / f"overlay{suffix}"
        write_motion(path, pictures, rate)
        written["overlay"].append(str(path))
        say(str(path))
    for name, figure in figures_of(subject).items():
        written[name] = write_figure(figure, folder / name)
        for path in written[name]:
            say(path)
    return written


def figures_of(subject: Subject) -> Mapping[str, Figure]:
    """The sheets by their names."""
    made: dict[str, Figure | None] = {
        "attention": attention_sheet(subject),
        "swapped": swapped_sheet(subject),
        "regions": regions_sheet(subject),
        "evidence": evidence_sheet(subject),
        "components": components_sheet(subject),
    }
    matrices = subject.matrices
    if matrices:
        made["matrices"] = summary_figure(matrices, subject.name)
        for matrix in matrices:
            place = matrix.name.removeprefix("inserted.").replace(".", "_")
            made[f"matrix-{place}-{matrix.level}"] = parts_figure(matrix, subject.name)
    return {name: figure for name, figure in made.items() if figure is not None}


def write_figure(figure: Figure, stem: Path, *, dpi: int = DPI) -> list[str]:
    """Writes a figure as .png and .svg beside each other; their paths."""
    paths = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".png", ".svg")]
    for path in paths:
        write_atomically(path, lambda part: save(figure, part, dpi=dpi))
    return [str(path) for path in paths]


def numbers(subject: Subject) -> dict[str, object]:
    """The numbers behind the pictures, for JSON."""
    query, evidence, parts = subject.query, subject.evidence, subject.components
    frame, y, x = subject.peak
    values: dict[str, object] = {
        "frames": len(subject.frames),
        "size": list(subject.frames.shape[1:3]),
        "top": [{"class": name, "score": score} for name, score in subject.ranked[:5]],
        "query": {"x": query.x, "y": query.y, "frame": query.frame},
        "layers": [],
        "evidence": {
            "class": subject.classes[subject.label],
            "layer": evidence.layer,
            "frames": list(evidence.frames),
            "share_of_frames": _shares(evidence.map.sum((1, 2))),
            "peak": {"x": x, "y": y, "frame": frame},
            "relative": evidence.relative,
        },
        "components": {"layer": parts.layer, "explained": parts.explained.tolist()},
        "matrices": [
            {
                "layer": matrix.name,
                "level": matrix.level,
                "added": matrix.added.tolist(),
                "mean": matrix.mean.tolist(),
                "strength": matrix.strength.tolist(),
                "likeness": likeness(matrix.added, causal=matrix.causal),
                "added_by_lag": dict(
                    zip(*(part.tolist() for part in by_lag(matrix.added)), strict=True)
                ),
            }
            for matrix in subject.matrices
        ],
    }
    layers = []
    for layer in subject.layers:
        about: dict[str, object] = {
            "layer": layer.name,
            "kind": layer.kind,
            "grid": list(layer.grid),
            "frames": list(layer.frames),
            "cell": list(layer.cell(query)),
        }
        if layer.kind in ("joint", "temporal"):
            about["over_frames"] = attention_over_frames(layer, query).tolist()
        layers.append(about)
    values["layers"] = layers
    layer = subject.region_layer
    if layer is not None:
        values["regions"] = {
            "layer": layer.name,
            "mean": region_shares(layer).mean((1, 2, 3)).tolist(),
        }
    try:
        best = int(subject.swapped.probabilities.argmax())
    except UsageError:
        return values
    values["swapped"] = {
        "class": subject.classes[best],
        "score": float(subject.swapped.probabilities[best]),
        "over_frames": {
            layer.name: attention_over_frames(layer, query).tolist()
            for layer in subject.of_place(subject.swapped)
            if layer.kind == "temporal"
        },
    }
    return values


def _shares(values: np.ndarray) -> list[float]:
    return (values / values.sum()).tolist()
