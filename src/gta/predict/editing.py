"""A timeline for video editors: OpenTimelineIO's own form, and CMX 3600 edit decision lists."""

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gta.errors import UsageError
from gta.files import write_text
from gta.names import shown

if TYPE_CHECKING:
    from gta.predict.timeline import Timeline

_ADAPTERS = {".otio": "otio_json", ".edl": "cmx_3600"}
_NTSC = tuple(Fraction(1000 * whole, 1001) for whole in (24, 30, 60))
_RATES = (24, 25, 30, 48, 50, 60, *_NTSC)
"""Frames per second that timecodes of edit decision lists count in. At a rate next to the video's,
such as 30 for 29.97, editors would place what happens after an hour 3.6 s late."""


_DAY = 86400


def editors_package() -> Any:
    """OpenTimelineIO.

    Raises:
        UsageError: It, or what writes edit decision lists, is not installed.
    """
    try:
        import opentimelineio
        import otio_cmx3600_adapter  # writes edit decision lists, as a plugin

        del otio_cmx3600_adapter
        return opentimelineio
    except ImportError as error:
        raise UsageError(
            'files for video editors need opentimelineio: pip install "gta-video[timeline]"'
        ) from error


def write_for_editors(timeline: "Timeline", path: Path) -> None:
    """Writes a track of the segments, with gaps where nothing is said.

    Times are whole frames: of the video's rate, and in an edit decision list of the nearest rate in
    which timecodes count.

    Raises:
        UsageError: The package is missing, or the times do not fit into timecodes.
    """
    otio = editors_package()
    rate = timeline.rate
    if path.suffix.lower() == ".edl":
        if timeline.segments and timeline.segments[-1].end >= _DAY:
            raise UsageError(
                f"{path}: timecodes of an edit decision list end after 24 hours, and the last "
                f"segment ends after {timeline.segments[-1].end / 3600:.1f}; write .otio"
            )
        rate = min(_RATES, key=lambda known: abs(known - rate))
    of_list = {"cmx_3600": {"reel": _reel(timeline.path)}} if path.suffix.lower() == ".edl" else {}
    adapter = _ADAPTERS[path.suffix.lower()]
    made = _otio(otio, timeline, float(rate), of_list)
    text = otio.adapters.write_to_string(made, adapter_name=adapter)
    if of_list:
        title, events = text.split("\n", 1)
        counting = "DROP FRAME" if rate in _NTSC[1:] else "NON-DROP FRAME"
        text = f"{title}\nFCM: {counting}\n{events}"  # without it editors take what they are set to
    write_text(path, text)


def _reel(video: Path) -> str:
    """The video's name in a list, whose columns spaces part: up to 8 letters and digits."""
    return re.sub("[^A-Za-z0-9]", "", video.stem)[:8] or "AX"  # AX: a source without a name


def _otio(otio: Any, timeline: "Timeline", rate: float, metadata: dict[str, Any]) -> Any:
    def span(first: int, end: int) -> Any:
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(first, rate), time(end - first, rate))

    name = shown(timeline.path.name)
    made = otio.schema.Timeline(name)
    track = otio.schema.Track("actions", kind=otio.schema.TrackKind.Video)
    made.tracks.append(track)
    media = otio.schema.ExternalReference(
        shown(str(timeline.path.absolute())), span(0, round(timeline.duration * rate))
    )
    said = 0
    for segment in timeline.segments:
        first, end = round(segment.start * rate), round(segment.end * rate)
        if end <= first:  # shorter than a frame
            continue
        if first > said:
            track.append(otio.schema.Gap(source_range=span(0, first - said)))
        track.append(
            otio.schema.Clip(
                shown(segment.label),
                media.clone(),
                span(first, end),
                metadata=metadata
                | {"gta": {"score": segment.score, "start": segment.start, "end": segment.end}},
            )
        )
        said = end
    return made
