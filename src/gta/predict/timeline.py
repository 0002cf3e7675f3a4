"""What happens in a long video, and when."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gta.errors import UsageError
from gta.names import as_utf8, shown
from gta.places import require_place
from gta.predict.clock import clock
from gta.predict.segments import Segment


@dataclass(frozen=True, slots=True)
class Timeline:
    """The segments of one video, in order. Printed, it is a line for each of them."""

    path: Path
    segments: list[Segment]
    """They do not overlap; between them, nothing is said."""
    duration: float
    """Seconds up to the end of the last frame."""
    rate: float
    """Frames per second, by the header."""
    window: float
    """Seconds that the network saw at a time,"""
    stride: float
    """and from one such window to the next."""
    damage: int = 0
    """Places where frames were lost, or are seen with damage."""
    cut_off: str | None = None
    """What of the file is there, where its end is not."""
    about: dict[str, str] = field(default_factory=dict)
    """The run, its weights and the protocol."""

    def to_dict(self) -> dict[str, Any]:
        """{"video": path, "segments": [{"label", "start", "end", "score"}, ...], ...}."""
        told: dict[str, Any] = {**self.about, "video": str(self.path), "duration": self.duration}
        told |= {"window": self.window, "stride": self.stride, "damage": self.damage}
        if self.cut_off is not None:
            told["cut_off"] = self.cut_off
        told["segments"] = [
            {
                "label": segment.label,
                "start": segment.start,
                "end": segment.end,
                "score": segment.score,
            }
            for segment in self.segments
        ]
        return told

    def to_json(self) -> str:
        r"""JSON of `to_dict`; a byte of a file name that is not UTF-8 is `\udcXX` in it."""
        return as_utf8(json.dumps(self.to_dict(), ensure_ascii=False))

    def save(self, path: str | Path) -> None:
        """Writes it in the form of the file's ending.

        .json, .csv; .srt, .vtt: subtitles; .otio, .edl: for video editors (extra `timeline`); .png:
        a picture; .mp4: the video with its labels written into it.

        Raises:
            UsageError: The ending is another, or the package for it is not installed.
            VideoError: The video is not there any more.
        """
        from gta.predict.timeline_files import write_timeline

        write_timeline(self, Path(path))

    def cut(self, folder: str | Path) -> list[Path]:
        """Writes each segment as a video of its own, FOLDER/LABEL/VIDEO_START-END.mp4.

        Pictures are encoded anew, so that each file begins with its first frame; there is no sound.

        Returns:
            The files.

        Raises:
            VideoError: The video cannot be read.
        """
        from gta.predict.footage import cut_segments

        return cut_segments(self, Path(folder))

    def __str__(self) -> str:
        lines = [
            f"{clock(part.start)}  {clock(part.end)}  {part.score:6.1%}  {shown(part.label)}"
            for part in self.segments
        ]
        return "\n".join([shown(str(self.path)), *lines])


def check_timeline_ending(path: Path) -> None:
    """Before hours of work.

    Raises:
        UsageError: There is no such form or folder, or the package for it is not installed.
    """
    from gta.predict.timeline_files import FORMS

    if path.suffix.lower() not in FORMS:
        raise UsageError(
            f"{path}: a timeline is written as one of {', '.join(FORMS)}, by the file's ending"
        )
    require_place(path)
    if path.suffix.lower() in (".otio", ".edl"):
        from gta.predict.editing import editors_package

        editors_package()
