"""The inputs of `gta predict`: files, folders, lists and a pipe, in their order."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gta.data.given import find_videos
from gta.data.records import Video
from gta.errors import UsageError, VideoError
from gta.predict.lists import read_videos
from gta.predict.standard_input import parse_size, received

PIPE = "-"


@dataclass(slots=True)
class Inputs:
    """Videos, and the files that are no videos."""

    names: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    """For each name a `Video`, frames in memory, or the `VideoError` of a path without a video."""
    passed_over: list[tuple[Path, str]] = field(default_factory=list)
    num_passed_over: int = 0
    notes: list[str] = field(default_factory=list)
    cut_off: dict[str, str] = field(default_factory=dict)
    """Where raw frames end too early, by name."""

    @property
    def videos(self) -> list[Any]:
        """The items that can be tried."""
        return [item for item in self.items if not isinstance(item, VideoError)]


@contextmanager
def inputs_of(
    paths: Sequence[Path],
    lists: Sequence[Path] = (),
    *,
    root: Path | None = None,
    size: str | None = None,
    fps: float | None = None,
) -> Iterator[Inputs]:
    """All inputs; a piped video is kept on the disk until the context ends.

    Raises:
        UsageError: Nothing is given, or `size` without a pipe.
        DataError: A list cannot be read.
    """
    if not paths and not lists:
        raise UsageError("which videos? Give files, folders, - for standard input, or --list FILE")
    if size is not None and paths.count(Path(PIPE)) != 1:
        raise UsageError("--size is for raw frames in standard input: give - as the video")
    inputs = Inputs()
    for path in (path for path in paths if str(path) != PIPE):
        _look(path, inputs, fps)
    for file in lists:
        listed = read_videos(file, root)
        inputs.notes += listed.notes
        for video in listed.videos:
            inputs.names.append(str(video.path))
            inputs.items.append(replace(video, fps=fps or video.fps))
    if Path(PIPE) not in paths:
        yield inputs
        return
    with received(sys.stdin.buffer, size=parse_size(size) if size else None) as video:
        inputs.names.append(PIPE)
        if video.frames is None:
            inputs.items.append(Video(PIPE, video.path, None, fps=fps))
        else:
            inputs.items.append(video.frames)
            if video.cut_off:
                inputs.cut_off[PIPE] = video.cut_off
        yield inputs


def _look(path: Path, inputs: Inputs, fps: float | None) -> None:
    try:
        folder = find_videos(path)
    except VideoError as error:
        inputs.names.append(str(path))
        inputs.items.append(error)
        return
    for video in folder.videos:
        inputs.names.append(str(video))
        inputs.items.append(Video(str(video), video, None, fps=fps))
    inputs.passed_over += folder.passed_over
    inputs.num_passed_over += folder.num_passed_over


def reason_of(error: UsageError) -> str:
    """Why a video cannot be read, without its path."""
    return error.reason if isinstance(error, VideoError) else str(error)
