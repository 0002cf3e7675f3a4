"""What lies in folders of classes: videos, what is passed over, and what is in the way.

Nothing is opened and nothing stops at the first fault: `gta.data.formats.folder` refuses what
cannot be used, `gta check` tells all of it.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.formats.endings import is_video_name

_OF_A_RUN = ("recipe.yaml", "labels.json")
JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".gitkeep", ".gitignore", ".directory"})
"""What file managers and git leave; nobody looks for a video there."""


@dataclass(frozen=True, slots=True)
class ClassFolder:
    """One class."""

    videos: list[Path] = field(default_factory=list)
    """Files with the ending of a video, and folders of frames."""
    passed_over: list[Path] = field(default_factory=list)
    """Other files, hidden files and those beside the frames of a video included."""
    blocked: dict[Path, str] = field(default_factory=dict)
    """Folders that cannot be a video, with the reason."""
    runs: list[Path] = field(default_factory=list)
    """Folders that a training has written."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A folder that holds a folder per class."""

    folder: Path
    classes: dict[str, ClassFolder] = field(default_factory=dict)
    loose: list[Path] = field(default_factory=list)
    """Videos beside the class folders, in none of them."""
    hidden: list[Path] = field(default_factory=list)
    """Hidden entries beside the class folders."""
    runs: list[Path] = field(default_factory=list)
    """Folders that a training has written, and not classes or videos, whatever they hold."""
    blocked: dict[Path, str] = field(default_factory=dict)
    """The folder itself, where it cannot be opened."""

    @property
    def passed_over(self) -> list[Path]:
        """All files that are no video of a class, sorted."""
        inside = (
            path for class_folder in self.classes.values() for path in class_folder.passed_over
        )
        return sorted({*inside, *self.loose, *self.hidden})

    @property
    def obstacles(self) -> dict[Path, str]:
        """All folders that cannot be a video or cannot be opened."""
        return self.blocked | {
            p: why for c in self.classes.values() for p, why in c.blocked.items()
        }


def survey(folder: Path) -> Survey:
    """Looks through the class folders of `folder`, and no deeper than the frames in them."""
    result = Survey(folder)
    try:
        entries = list(_entries(folder))
    except OSError as error:
        result.blocked[folder] = _reason(error)
        return result
    for path, is_folder in entries:
        if is_hidden(path.name):
            result.hidden.append(path)
        elif is_folder and is_run(path):
            result.runs.append(path)
        elif is_folder:
            inside = _class_folder(path)
            result.runs.extend(inside.runs)
            if inside.videos or inside.blocked or not inside.runs:
                result.classes[path.name] = inside
        elif is_video_name(path):
            result.loose.append(path)
    return result


def is_run(folder: Path) -> bool:
    """Whether `gta train` wrote a folder."""
    return all((folder / name).is_file() for name in _OF_A_RUN)


def is_hidden(name: str) -> bool:
    """Whether an entry is left out by its name: `.hidden`, `__MACOSX`, `Thumbs.db`."""
    return name.startswith((".", "__")) or name.lower() in JUNK


def by_ending(paths: Iterable[Path]) -> str:
    """`3 .srt, 2 .txt and 1 hidden` of files, the most common ending first."""
    names = Counter(
        "hidden" if is_hidden(path.name) else path.suffix.lower() or "without an ending"
        for path in paths
    )
    parts = [f"{count} {name}" for name, count in names.most_common()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _class_folder(folder: Path) -> ClassFolder:
    result = ClassFolder()
    try:
        entries = list(_entries(folder))
    except OSError as error:
        result.blocked[folder] = _reason(error)
        return result
    for path, is_folder in entries:
        if is_hidden(path.name) or not (is_folder or is_video_name(path)):
            result.passed_over.append(path)
        elif is_folder and is_run(path):  # looks into the folder: not done for each video file
            result.runs.append(path)
        elif is_folder:
            _add_folder(path, result)
        else:
            result.videos.append(path)
    return result


def _add_folder(folder: Path, into: ClassFolder) -> None:
    """A folder in that of a class: frames if it has more pictures than videos."""
    try:
        entries = [(p, is_folder) for p, is_folder in _entries(folder) if not is_hidden(p.name)]
    except OSError as error:
        into.blocked[folder] = _reason(error)
        return
    pictures = sum(path.suffix.lower() in PICTURE_SUFFIXES for path, _ in entries)
    videos = [path for path, is_folder in entries if not is_folder and is_video_name(path)]
    folders = sum(is_folder for _, is_folder in entries)
    if pictures > len(videos):
        into.videos.append(folder)
        into.passed_over.extend(videos)
    elif videos:
        into.blocked[folder] = f"holds {count_of(len(videos), 'video')}" + (
            f" and {count_of(pictures, 'picture')}" if pictures else ""
        )
    elif folders:
        into.blocked[folder] = f"holds {count_of(folders, 'folder')}, no frames"
    else:
        held = by_ending(path for path, _ in entries)
        into.blocked[folder] = f"holds {held}, no frames" if entries else "is empty"


def _entries(folder: Path) -> Iterator[tuple[Path, bool]]:
    """(path, whether it is a folder or a link to a folder), sorted by name."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            yield folder / entry.name, _is_folder(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: reading says so
        return False


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "cannot be opened: no permission"
    return f"cannot be opened: {error.strerror or error}"


def count_of(number: int, name: str) -> str:
    """`1 video`, `2 videos`."""
    return f"{number} {name}{'s' * (number != 1)}"
