"""A timeline as a file, by the file's ending."""

import csv
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from gta.errors import UsageError
from gta.files import write_atomically, write_text
from gta.names import shown
from gta.predict.clock import clock

if TYPE_CHECKING:
    from gta.predict.timeline import Timeline

COLUMNS = ("label", "start", "end", "score")


def write_timeline(timeline: "Timeline", path: Path) -> None:
    """See `Timeline.save`."""
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            f"{path}: a timeline is written as one of {', '.join(FORMS)}, by the file's ending"
        )
    if path.exists() and timeline.path.exists() and path.samefile(timeline.path):
        raise UsageError(f"{path} is the video itself: give another file")
    form(timeline, path)


def csv_of(timeline: "Timeline") -> str:
    """A row for each segment, times in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for segment in timeline.segments:
        times = (f"{segment.start:.3f}", f"{segment.end:.3f}", f"{segment.score:.6g}")
        writer.writerow((segment.label, *times))
    return text.getvalue()


def srt_of(timeline: "Timeline") -> str:
    """SubRip."""
    blocks = [
        f"{number}\n{clock(segment.start, ',')} --> {clock(segment.end, ',')}\n"
        f"{_line(segment.label)} ({segment.score:.0%})\n"
        for number, segment in enumerate(timeline.segments, start=1)
    ]
    return "\n".join(blocks)


def vtt_of(timeline: "Timeline") -> str:
    """WebVTT, in which `<` and `&` begin commands."""
    blocks = [
        f"{clock(segment.start)} --> {clock(segment.end)}\n"
        f"{escape(_line(segment.label), quote=False)} ({segment.score:.0%})\n"
        for segment in timeline.segments
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _line(label: str) -> str:
    """A label in one line that no reader takes for the times of another."""
    return shown(label).replace("-->", "→")


def _text(content: Callable[["Timeline"], str]) -> Callable[["Timeline", Path], None]:
    return lambda timeline, path: write_text(path, content(timeline))


def _editors(timeline: "Timeline", path: Path) -> None:
    from gta.predict.editing import write_for_editors

    write_for_editors(timeline, path)


def _picture(timeline: "Timeline", path: Path) -> None:
    from gta.figures.timeline import draw_timeline

    spans = [
        (segment.label, segment.start, segment.end, segment.score) for segment in timeline.segments
    ]
    draw_timeline(path, spans, timeline.duration, str(timeline.path))


def _labeled(timeline: "Timeline", path: Path) -> None:
    from gta.predict.footage import write_labeled

    write_atomically(path, lambda part: write_labeled(timeline, part))


FORMS: dict[str, Callable[["Timeline", Path], None]] = {
    ".json": _text(lambda timeline: timeline.to_json() + "\n"),
    ".csv": _text(csv_of),
    ".srt": _text(srt_of),
    ".vtt": _text(vtt_of),
    ".otio": _editors,
    ".edl": _editors,
    ".png": _picture,
    ".mp4": _labeled,
}
"""By ending."""
