"""Which files a data folder has, and which of them is the video of a name in an annotation."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.formats.folder import VIDEO_SUFFIXES
from gta.errors import DataError

_LONGEST = max(map(len, VIDEO_SUFFIXES))


def has_video_ending(name: str) -> bool:
    """Whether a name ends like a video file."""
    return name[-_LONGEST:].lower().endswith(VIDEO_SUFFIXES)


def one_form(text: str) -> str:
    """Text in the form in which letters with accents are one character each (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass
class _Entries:
    """The names in one folder."""

    names: frozenset[str]

    @cached_property
    def forms(self) -> dict[str, str]:
        """Names by their NFC form, where it is another."""
        return {one_form(name): name for name in sorted(self.names) if not name.isascii()}

    @cached_property
    def stems(self) -> dict[str, list[str]]:
        """Names of video files by what stands before the ending, in NFC."""
        by_stem = dict[str, list[str]]()
        for name in sorted(self.names):
            stem, ending = os.path.splitext(name)
            if ending.lower() in VIDEO_SUFFIXES:
                by_stem.setdefault(one_form(stem), []).append(name)
        return by_stem

    @cached_property
    def converted(self) -> dict[str, list[str]]:
        """Names with two endings of videos, as `7.webm.mp4`, by what stands before both, in NFC."""
        by_name = dict[str, list[str]]()
        for stem, names in self.stems.items():
            if has_video_ending(stem):
                by_name.setdefault(os.path.splitext(stem)[0], []).extend(names)
        return by_name

    def actual(self, name: str) -> str | None:
        """The entry of this name, as it is or in another Unicode form."""
        return name if name in self.names else self.forms.get(one_form(name))


def paths_in(folder: Path) -> list[Path]:
    """What is in a folder, sorted; nothing, where there is no such folder.

    Raises:
        DataError: It cannot be listed.
    """
    return [folder / name for name in sorted(_names_in(str(folder)))]


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror or error}.") from error


class Folders:
    """Which entries folders have. Each is listed once: it may be large, and on another machine."""

    def __init__(self):
        self._entries = dict[str, _Entries]()
        self._paths = dict[tuple[str, str], str | None]()

    def entries(self, folder: str) -> _Entries:
        """What is in a folder; nothing, where there is no such folder.

        Raises:
            DataError: It cannot be listed.
        """
        if folder not in self._entries:
            self._entries[folder] = _Entries(frozenset(_names_in(folder)))
        return self._entries[folder]

    def folder(self, place: str, below: str) -> str | None:
        """The path of a folder below a place, whatever the Unicode form of its name."""
        if not below:
            return place
        if (place, below) not in self._paths:
            above, _, last = below.rpartition("/")
            parent = self.folder(place, above)
            name = None if parent is None else self.entries(parent).actual(last)
            self._paths[place, below] = None if name is None else f"{parent}/{name}"
        return self._paths[place, below]


@dataclass(frozen=True, slots=True)
class Located:
    """The videos of a list of names, and what a person may want to know of them."""

    paths: list[Path]
    """A path for each name. Single files may not exist: reading them says so."""
    notes: tuple[str, ...] = ()


@dataclass
class Finder:
    """Finds videos by their names in an annotation.

    A name is looked for in each place. There, the first of these is its video: what has the very
    name (a file, or a folder of frames); a file with the name and one of `endings`, then any other
    ending of a video, in upper or lower case; of a name with an ending, a file with another ending
    or a folder of frames; and, of a name without an ending, a file with two.
    """

    root: Path
    places: Sequence[str]
    """Folders below `root`, in the order of preference; "." is `root`."""
    endings: Sequence[str] = ()
    """The endings that the data set is known to have, in the order of preference."""
    folders: Folders = field(default_factory=Folders)

    @cached_property
    def _prefixes(self) -> list[str]:
        prefixes = [(self.root / place).as_posix() for place in self.places]
        there = {os.path.realpath(p): p for p in reversed(prefixes) if os.path.isdir(p)}
        return [p for p in dict.fromkeys(prefixes) if p in there.values()]  # a link counts once

    @cached_property
    def _order(self) -> dict[str, int]:
        return {e: i for i, e in enumerate(dict.fromkeys((*self.endings, *VIDEO_SUFFIXES)))}

    def has(self, name: str) -> bool:
        """Whether there is a video of this very name, but for its ending and Unicode form."""
        try:
            path = inside(self.root, name, "")
        except DataError:
            return False
        return any(exact and is_video(file) for _, file, exact in self._candidates(path))

    def first(self, name: str) -> Path | None:
        """The video of a name; None: there is none."""
        try:
            candidates = list(self._candidates(inside(self.root, name, "")))
        except DataError:
            return None
        return Path(candidates[0][1]) if candidates else None

    def locate(self, names: Sequence[str], what: str) -> Located:
        """Finds the video of each name.

        Args:
            names: As the annotation gives them, relative to one of the places.
            what: The data set's name, for the message.

        Raises:
            DataError: None of the videos is there.
        """
        chosen, several, other = dict[str, tuple[str, str, bool]](), list[str](), list[str]()
        for name in dict.fromkeys(names):
            candidates = list(self._candidates(name))
            exact = [candidate for candidate in candidates if candidate[2]]
            candidates = exact or candidates
            if len(candidates) > 1:
                candidates = [
                    candidate for candidate in candidates if is_video(candidate[1])
                ] or candidates
            if candidates:
                chosen[name] = candidates[0]
            if len(candidates) > 1:
                several.append(
                    f"{name}: {', '.join(self._shown(candidate[1]) for candidate in candidates)}"
                )
        taken = {path for _, path, exact in chosen.values() if exact}
        for name, (_, path, exact) in list(chosen.items()):
            if not exact and path in taken:  # it is the video of another name
                del chosen[name]
            elif not exact:
                other.append(f"{name}: {self._shown(path)}")
        if not chosen:
            raise self._none(names, what)
        usual = Counter(
            (prefix, "" if has_video_ending(name) else _ending(path))
            for name, (prefix, path, _) in chosen.items()
        )
        prefix, ending = usual.most_common(1)[0][0]
        paths = [
            Path(
                chosen[name][1]
                if name in chosen
                else f"{prefix}/{name}{'' if has_video_ending(name) else ending}"
            )
            for name in names
        ]
        notes = []
        if several:
            count = "A name has" if len(several) == 1 else f"{len(several)} names have"
            notes.append(f"{what}: {count} more than one video, read is the first ({several[0]})")
        if other:
            count = "A video has" if len(other) == 1 else f"{len(other)} videos have"
            notes.append(f"{what}: {count} another name than in the annotation ({other[0]})")
        return Located(paths, tuple(notes))

    def _shown(self, path: str) -> str:
        return os.path.relpath(path, self.root)

    def _candidates(self, name: str) -> Iterator[tuple[str, str, bool]]:
        """(place, path, whether the name is the annotation's) of each, the preferred first."""
        any_yielded = False
        for spelling in dict.fromkeys((name, unquote(name) if "%" in name else name)):
            for prefix in self._prefixes:
                for path, exact in self._in_place(prefix, spelling):
                    any_yielded = True
                    yield prefix, path, exact and spelling == name
            if any_yielded:
                return

    def _in_place(self, prefix: str, name: str) -> Iterator[tuple[str, bool]]:
        above, _, last = name.rpartition("/")
        folder = self.folders.folder(prefix, above)
        if folder is None:
            return
        entries = self.folders.entries(folder)
        actual = entries.actual(last)
        if actual is not None:
            yield f"{folder}/{actual}", True
            if has_video_ending(last):
                return
        for entry in self._by_ending(entries, last):
            yield f"{folder}/{entry}", not has_video_ending(last)
        if not has_video_ending(last):
            for entry in entries.converted.get(one_form(last), []):
                yield f"{folder}/{entry}", False
            return
        stem, ending = os.path.splitext(last)
        same = self._by_ending(entries, stem)
        for entry in sorted(same, key=lambda entry: not _same_ending(entry, ending)):
            yield f"{folder}/{entry}", _same_ending(entry, ending)
        frames = entries.actual(stem)
        if frames is not None and os.path.isdir(f"{folder}/{frames}"):
            yield f"{folder}/{frames}", False

    def _by_ending(self, entries: _Entries, stem: str) -> list[str]:
        same = entries.stems.get(one_form(stem), [])
        if len(same) < 2:
            return same
        return sorted(same, key=lambda name: self._order[os.path.splitext(name)[1].lower()])

    def _none(self, names: Sequence[str], what: str) -> DataError:
        looked_in = ", ".join(place for place in dict.fromkeys(self.places) if place != ".")
        example = "" if has_video_ending(names[0]) else next(iter(self.endings), "")
        return DataError(
            f"None of the {len(names)} videos of {what} is under {self.root}. Looked for folders "
            f"of frames or video files such as {names[0]}{example} in it and in its folders "
            f"{looked_in}."
        )


def _ending(path: str) -> str:
    return os.path.splitext(path)[1] if has_video_ending(path) else ""


def _same_ending(name: str, ending: str) -> bool:
    """An ending in upper case is the same."""
    return os.path.splitext(name)[1].lower() == ending.lower()


def is_video(path: str) -> bool:
    """A file, or a folder with pictures in it."""
    if not os.path.isdir(path):
        return os.path.isfile(path)
    with os.scandir(path) as entries:
        return any(os.path.splitext(e.name)[1].lower() in PICTURE_SUFFIXES for e in entries)


_SPECIAL = ("\\", ":", "//", "/.")


def inside(root: Path, name: str, where: str) -> str:
    """The path of a video relative to the data folder, as an annotation gives it.

    Raises:
        DataError: It leaves the folder.
    """
    if name[:1].isalnum() and name[-1] != "/" and not any(mark in name for mark in _SPECIAL):
        return name  # as nearly all are
    text = name.removeprefix("file://").replace("\\", "/")
    path = PurePosixPath(text)
    if ".." in path.parts:  # a/../b is b; what leaves the folder keeps its dots
        path = PurePosixPath(os.path.normpath(path))
    if path.is_absolute():
        path = _below(root, path)
    is_drive = len(text) > 2 and text[0].isalpha() and text[1:3] == ":/"
    if path.is_absolute() or is_drive or ".." in path.parts or not path.parts:
        raise DataError(
            f"{where}: {name!r} is not a path inside of the data folder {root}. Paths of an "
            f"annotation are relative to it; give a folder that holds all videos as --root."
        )
    return str(path)


def _below(root: Path, path: PurePosixPath) -> PurePosixPath:
    """An absolute path seen from `root`, by whichever of its links it is written; else as it is."""
    for start in (root.absolute(), root.resolve()):
        if path.is_relative_to(start.as_posix()):
            return path.relative_to(start.as_posix())
    for above in path.parents:
        if _same(root, str(above)):
            return path.relative_to(above)
        for link in _links(root):
            if _same(link, str(above)):
                return PurePosixPath(link.name) / path.relative_to(above)
    if len(path.parts) > 1 and not os.path.exists(path) and (root / path.parts[1]).exists():
        return path.relative_to("/")  # as if the data folder were the whole disk
    return path


@lru_cache(maxsize=16)
def _links(root: Path) -> list[Path]:
    """The folders right below the data folder that are elsewhere."""
    return [entry for entry in paths_in(root) if entry.is_symlink() and entry.is_dir()]


@lru_cache(maxsize=1024)
def _same(root: Path, folder: str) -> bool:
    try:
        return os.path.samefile(root, folder)
    except OSError:
        return False
