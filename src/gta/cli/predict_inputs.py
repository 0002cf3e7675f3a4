"""What `gta predict` is given: files, folders, lists and a pipe, in their order."""

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
    """Videos, and what is no video."""

    names: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    """For each name a `Video`, frames in memory, or the `VideoError` of a path that is none."""
    passed_over: list[tuple[Path, str]] = field(default_factory=list)
    num_passed_over: int = 0
    notes: list[str] = field(default_factory=list)
    cut_off: dict[str, str] = field(default_factory=dict)
    """Of raw frames, by name."""

    @property
    def videos(self) -> list[Any]:
        """Those that can be tried."""
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
    """All that is given; what came through a pipe is on the disk as long as the context.

    Raises:
        UsageError: Nothing is given, or `size` without a pipe.
        DataError: A list cannot be read.
    """
    if not paths and not lists:
        raise UsageError("which videos? Give files, folders, - for standard input, or --list FILE")
    if size is not None and paths.count(Path(PIPE)) != 1:
        raise UsageError("--size is that of raw frames in standard input: give - as the video")
    found = Inputs()
    for path in (path for path in paths if str(path) != PIPE):
        _look(path, found, fps)
    for file in lists:
        listed = read_videos(file, root)
        found.notes += listed.notes
        for video in listed.videos:
            found.names.append(str(video.path))
            found.items.append(replace(video, fps=fps or video.fps))
    if Path(PIPE) not in paths:
        yield found
        return
    with received(sys.stdin.buffer, size=parse_size(size) if size else None) as video:
        found.names.append(PIPE)
        if video.frames is None:
            found.items.append(Video(PIPE, video.path, None, fps=fps))
        else:
            found.items.append(video.frames)
            if video.cut_off:
                found.cut_off[PIPE] = video.cut_off
        yield found


def _look(path: Path, found: Inputs, fps: float | None) -> None:
    try:
        given = find_videos(path)
    except VideoError as error:
        found.names.append(str(path))
        found.items.append(error)
        return
    for one in given.videos:
        found.names.append(str(one))
        found.items.append(Video(str(one), one, None, fps=fps))
    found.passed_over += given.passed_over
    found.num_passed_over += given.num_passed_over


def reason_of(error: UsageError) -> str:
    """Why a video cannot be read, without its path."""
    return error.reason if isinstance(error, VideoError) else str(error)
