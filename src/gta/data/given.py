"""The videos that someone names by a path: a file, a folder of frames, or all that a folder holds.

What counts is what counts in the data set "folder", at any depth:

- A file with the ending of a video is a video; so is a folder of pictures, the frames.
- Pictures in a folder that has videos, or folders with videos, are strays: a cover, a preview.
- But a folder beside video files is one of frames if it has more pictures than videos.
- The folder of a training holds no videos.
- Hidden files and folders (`.name`, `__MACOSX`, `Thumbs.db`) do not count.

In one case numbers decide: pictures beside nothing but folders of pictures are frames if they are
more than these folders (one of thumbnails), and strays if not (a cover beside folders of frames).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.formats.class_folders import is_hidden, is_run
from gta.data.formats.endings import is_video_name
from gta.errors import VideoError

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Given:
    """What is at a path."""

    videos: list[Path]
    """Video files and folders of frames, sorted by name within each folder."""
    passed_over: list[tuple[Path, str]] = field(default_factory=list)
    """(folder, what in it is not taken, and why)."""
    num_passed_over: int = 0
    """Files and folders that this is; what is hidden does not count."""

    def __iter__(self) -> Iterator[Path]:
        return iter(self.videos)


def find_videos(path: Path | str) -> Given:
    """A video itself, or the videos in a folder and the folders in it.

    Raises:
        VideoError: The folder holds neither pictures nor videos, or cannot be looked into.
    """
    path = Path(path)
    if not path.is_dir():
        return Given([path])
    if is_run(path):
        raise VideoError(path, "is the folder of a training, not of videos")
    try:
        given = _look(path, beside_videos=False, above=frozenset())
    except OSError as error:
        raise VideoError(path, f"cannot be looked into: {error.strerror or error}") from error
    if not given.videos:
        raise VideoError(
            path,
            "is a folder without pictures or videos; "
            "give a video file, a folder of frames, or a folder that holds videos "
            "(.mp4, .mov, .mkv, .webm, .avi ...; docs/data.md has all)",
        )
    return given


def _look(folder: Path, *, beside_videos: bool, above: frozenset[tuple[int, int]]) -> Given:
    status = folder.stat()
    above |= {(status.st_dev, status.st_ino)}
    folders, pictures, videos, others = list[Path](), list[Path](), list[Path](), list[Path]()
    for entry in sorted(e for e in folder.iterdir() if not is_hidden(e.name)):
        if entry.is_dir():
            folders.append(entry)
        elif is_video_name(entry):
            videos.append(entry)
        else:
            (pictures if entry.suffix.lower() in PICTURE_SUFFIXES else others).append(entry)
    if beside_videos and len(pictures) > len(videos):
        return _frames(folder, [*videos, *others, *folders])
    inside_of = {entry: Given([entry]) for entry in videos}
    passed_over: list[tuple[Path, str]] = []
    empty, runs, unseen = list[Path](), list[Path](), 0
    for entry in folders:
        if is_run(entry):
            runs.append(entry)
            continue
        try:
            inside = _look_below(entry, beside_videos=bool(videos), above=above)
        except OSError as error:
            passed_over.append((entry, f"cannot be looked into: {error.strerror or error}"))
            unseen += 1
            continue
        if inside.videos:
            inside_of[entry] = inside
        else:
            empty.append(entry)
    only_frames = not videos and all(given.videos == [entry] for entry, given in inside_of.items())
    if pictures and only_frames and len(pictures) > len(inside_of):
        return _frames(folder, [*others, *folders])
    passed_over += _told(folder, pictures, "strays beside videos")
    passed_over += _told(folder, others, "without the ending of a video")
    passed_over += _told(folder, empty, "without videos")
    passed_over += _told(folder, runs, "folders of trainings")
    count = unseen + sum(map(len, (pictures, others, empty, runs)))
    for inside in inside_of.values():
        passed_over += inside.passed_over
        count += inside.num_passed_over
    videos = [path for entry in sorted(inside_of) for path in inside_of[entry]]
    return Given(videos, passed_over, count)


def _look_below(entry: Path, *, beside_videos: bool, above: frozenset[tuple[int, int]]) -> Given:
    status = entry.stat()
    if (status.st_dev, status.st_ino) in above:  # a link to where we came from
        return Given([])
    return _look(entry, beside_videos=beside_videos, above=above)


def _frames(folder: Path, others: Sequence[Path]) -> Given:
    return Given([folder], _told(folder, others, "no frames of it"), len(others))


def _told(folder: Path, entries: Sequence[Path], why: str) -> list[tuple[Path, str]]:
    if not entries:
        return []
    names = ", ".join(entry.name for entry in entries[:_NAMED])
    more = f" and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return [(folder, f"{why}: {names}{more}")]
