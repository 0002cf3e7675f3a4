"""Several models on one clip, one below the other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from gta.errors import UsageError
from gta.figures.clip_sheets import attention_rows, evidence_rows, frames_row, heading
from gta.figures.maps import Query
from gta.figures.motion import SUFFIXES, playing_rate, write_motion
from gta.figures.overlay import moving, overlay_group
from gta.figures.sheets import Block, columns_of, sheet
from gta.figures.show import write_figure
from gta.figures.subject import Subject


def same_query(subjects: Sequence[Subject]) -> list[Subject]:
    """The subjects, all asked about the query position of the first.

    Raises:
        UsageError: Their clips have different numbers of frames.
    """
    first = subjects[0]
    T, height, width = first.view.shape[1:]
    asked = []
    for subject in subjects:
        frames, tall, wide = subject.view.shape[1:]
        if frames != T:
            raise UsageError(
                f"{first.name} sees clips of {T} frames and {subject.name} of {frames}: give "
                f"--frames {T}, for which the temporal matrices are resampled"
            )
        query = first.query
        at = Query(query.x * wide / width, query.y * tall / height, query.frame)
        asked.append(replace(subject, at=at))
    return asked


def beside_sheet(subjects: Sequence[Subject]) -> Figure:
    """The clip, then each model's answer, attention and evidence."""
    subjects = same_query(subjects)
    first = subjects[0]
    T = len(first.frames)
    clip = "the same for all; the cross is the query position"
    truth = "" if first.truth is None else f"A clip of “{first.truth}”"
    blocks = [Block(truth or "One clip", [frames_row(first, clip)])]
    for subject in subjects:
        verdict = _verdict(subject)
        rows = [*attention_rows(subject, subject.seen), *evidence_rows(subject)]
        blocks.append(Block(heading(replace(subject, truth=None)) + verdict, rows, subject.answer))
    note = (
        "Attention shows where a block looks, the evidence what speaks for the answer over the "
        "other classes. Colors are weights from 0 to the greatest of the row."
    )
    return sheet(blocks, columns_of(T, first.query.frame if T > 8 else None), T, note)


def _verdict(subject: Subject) -> str:
    if subject.truth is None:
        return ""
    return ", right" if subject.ranked[0][0] == subject.truth else ", wrong"


def write_beside(subjects: Sequence[Subject], folder: Path) -> list[str]:
    """Writes the sheet and the overlays in motion of several models; their paths."""
    subjects = same_query(subjects)
    folder.mkdir(parents=True, exist_ok=True)
    written = write_figure(beside_sheet(subjects), folder / "beside")
    pictures = moving([overlay_group(subject) for subject in subjects], subjects[0])
    for suffix in SUFFIXES:
        path = folder / f"beside{suffix}"
        write_motion(path, pictures, playing_rate(len(pictures)))
        written.append(str(path))
    return written
