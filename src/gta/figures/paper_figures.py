"""The layouts of the paper's Figures 1, 3, 4, 6 and 7, for models trained here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from gta.errors import UsageError
from gta.figures.beside import same_query
from gta.figures.clip_sheets import attention_rows, clip_row, frames_row
from gta.figures.region_sheets import region_rows
from gta.figures.sheets import Block, Row, columns_of, sheet
from gta.figures.subject import Subject


@dataclass(frozen=True, slots=True)
class Layout:
    """One figure of the paper."""

    models: str
    """The runs that it takes, in order."""
    num_models: int
    num_clips: int
    blocks: Callable[[int, Sequence[Subject]], Block]
    """Makes the rows of a clip from the models that see it."""
    note: str
    """A note on what the figure shows, and what it does not."""


def _letter(number: int, subjects: Sequence[Subject]) -> str:
    truth = subjects[0].truth
    return f"({'abcdefgh'[number]}) {'A clip' if truth is None else truth}"


def _answers(subjects: Sequence[Subject]) -> str:
    return "   ".join(
        f"{s.name}: {s.ranked[0][0]} {s.ranked[0][1]:.0%}{_verdict(s)}" for s in subjects
    )


def _verdict(subject: Subject) -> str:
    if subject.truth is None:
        return ""
    return " (right)" if subject.ranked[0][0] == subject.truth else " (wrong)"


def _attention(number: int, subjects: Sequence[Subject]) -> Block:
    """NL's joint attention, then DNL's spatial and temporal attention (Figures 1 and 3)."""
    asked = same_query(subjects)
    rows = [frames_row(asked[0])]
    for subject in asked:
        rows += _named(subject, attention_rows(subject, subject.seen))
    return Block(_letter(number, asked), rows, _answers(asked))


def _swapped(number: int, subjects: Sequence[Subject]) -> Block:
    """As `_attention`, and DNL's with the projections of its halves exchanged (Figure 6)."""
    block = _attention(number, subjects)
    last = same_query(subjects)[-1]
    after = attention_rows(last, last.swapped, prefix="swapped: ")
    return replace(block, rows=[*block.rows, *_named(last, after)])


def _regions(number: int, subjects: Sequence[Subject]) -> Block:
    """The frames, all regions, and the two that differ most from place to place."""
    (subject,) = subjects
    rows = region_rows(subject)
    if not rows:
        raise UsageError(f"{subject.name} has no Region GTA: give a run with region=true")
    return Block(_letter(number, subjects), [clip_row(subject), *rows[:3]], _answers(subjects))


def _named(subject: Subject, rows: Sequence[Row]) -> list[Row]:
    return [
        replace(row, title=f"{subject.name}: {row.title[0].lower()}{row.title[1:]}") for row in rows
    ]


_OF_REGIONS = (
    "Regions are soft and learned without names. A position has the colors of the regions whose "
    "share is above their mean over the clip. A row is a region's share of each position, from its "
    "least to its greatest in the clip."
)
_OF_ATTENTION = "The cross is the query position, the same for all rows."
_OF_EVENTS = (
    "Green frames are those of the event, known because the clip is rendered; docs/figures.md has "
    "the numbers over all held-out clips."
)
_PROVES = "One position of one clip proves nothing."
LAYOUTS: dict[str, Layout] = {
    "1": Layout("NL and DNL", 2, 1, _attention, _OF_ATTENTION),
    "3": Layout("NL and DNL", 2, 2, _attention, _OF_ATTENTION),
    "4": Layout("a run with Region GTA", 1, 2, _regions, _OF_REGIONS),
    "6": Layout("NL and DNL", 2, 3, _swapped, _OF_ATTENTION),
    "7": Layout("a run with Region GTA", 1, 3, _regions, _OF_REGIONS),
}
"""By the paper's number; Figure 5 is `gta.figures.class_figures.groups_figure`."""


def paper_figure(number: str, clips: Sequence[Sequence[Subject]]) -> Figure:
    """One of the paper's figures.

    Args:
        number: A key of `LAYOUTS`.
        clips: For each clip the models that see it, in the layout's order.
    """
    layout = LAYOUTS[number]
    blocks = [layout.blocks(place, subjects) for place, subjects in enumerate(clips)]
    T = len(clips[0][0].frames)
    note = [layout.note]
    if layout.note == _OF_ATTENTION:
        known = any(subject.event for subjects in clips for subject in subjects)
        note += [*([_OF_EVENTS] if known else []), _PROVES]
    return sheet(blocks, columns_of(T), T, " ".join(note))
