"""What is to be copied, and where to: each original once, even if two splits have it."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gta.data.formats.folder import VIDEO_SUFFIXES
from gta.data.prepare.copies import ENDINGS
from gta.data.prepare.options import Options
from gta.data.records import Split, Video, VideoList

PLACE = "videos"
_LONGEST_KEY = 60
_LONGEST_NAME = 200
"""Bytes; file systems allow 255, with the endings."""
_NOT_EVERYWHERE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')
"""Characters that some disk, or UTF-8, does not have."""


@dataclass(frozen=True, slots=True)
class Job:
    """An original video."""

    name: str
    """Its path relative to the data set's folder."""
    source: Path
    place: str
    """Of the copy, relative to the prepared folder; no other job's, on any file system."""
    key: str
    """Of its members in a shard: no dots, which would end it there."""
    split: Split
    """The first that has it."""
    video: Video


Places = dict[str, tuple[str, str]]
"""By the name of an original, the place and key of its copy."""


def make_plan(
    splits: Mapping[Split, VideoList], root: Path, options: Options, before: Mapping = {}
) -> dict[str, Job]:
    """Jobs by name, in the order of the splits and of their lists.

    Args:
        splits: The videos.
        root: The data set's folder.
        options: Their form gives copies their endings.
        before: `Places` of copies that were made earlier: they keep them, whatever the lists
            are now.
    """
    jobs: dict[str, Job] = {}
    taken = _Taken([place for place, _ in before.values()])
    keys = {key for _, key in before.values()}
    for split, videos in splits.items():
        for video in videos.videos:
            assert isinstance(video.path, Path)
            name = name_of(video.path, root)
            if name in jobs:
                continue
            place, key = before.get(name) or (
                next(
                    place
                    for stem in _stems(name)
                    if taken.add(place := f"{PLACE}/{stem}{ENDINGS[options.form]}")
                ),
                _key(video.id, keys),
            )
            jobs[name] = Job(name, video.path, place, key, split, video)
    return jobs


def name_of(path: Path, root: Path) -> str:
    """A path relative to the data set's folder, with slashes."""
    return Path(os.path.relpath(path, root)).as_posix()


def without_ending(name: str) -> str:
    """The name of a video file without the part that tells its container."""
    ends = PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES
    return str(PurePosixPath(name).with_suffix("")) if ends else name


def uncertain(names: Collection[str]) -> set[str]:
    """Originals whose copy an earlier version could have given to another original.

    It called a copy by the name without ending, or by the whole name where that was taken, as
    written: `a.avi.mp4` and `a.avi` beside `a.mp4` shared a copy, and `..` led out of the folder.
    """
    tried = {name: {_folded(name), _folded(without_ending(name))} for name in names}
    count = Counter(place for places in tried.values() for place in places)
    return {
        name
        for name, places in tried.items()
        if any(count[place] > 1 for place in places) or _safe(name) != name
    }


class _Taken:
    """Places of copies. Two that some file system takes for the same place are the same."""

    def __init__(self, places: Collection[str]):
        self._copies, self._folders = set[str](), set[str]()
        for place in places:
            self.add(place)

    def add(self, place: str) -> bool:
        """Takes a place, unless it is that of another copy, or inside or around such a place."""
        folded = _folded(place)
        around = {str(folder) for folder in PurePosixPath(folded).parents}
        if folded in self._copies | self._folders or around & self._copies:
            return False
        self._copies.add(folded)
        self._folders |= around
        return True


def _stems(name: str) -> Iterator[str]:
    """Names for a copy, the best first: a.mp4 beside a.webm, or a folder `a`, keeps its ending."""
    yield _safe(without_ending(name))
    yield _safe(name)
    number = 1
    while True:
        number += 1
        yield f"{_safe(name.replace('/', '_'))}-{number}"


def _safe(name: str) -> str:
    """A relative path that each disk has and that does not lead out of its folder."""
    return "/".join(_safe_segment(segment) for segment in name.split("/"))


def _safe_segment(segment: str) -> str:
    plain = _NOT_EVERYWHERE.sub("_", unicodedata.normalize("NFC", segment))
    plain = re.sub(r"^\.+|[. ]+$", lambda dots: "_" * len(dots[0]), plain)
    return plain.encode()[:_LONGEST_NAME].decode(errors="ignore")


def _folded(place: str) -> str:
    """Equal for names that a file system may take for the same: by case, or by form of Unicode."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", place).casefold())


def _key(id: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", id)[:_LONGEST_KEY]
    key, number = plain, 1
    while key in taken:
        number += 1
        key = f"{plain}-{number}"
    taken.add(key)
    return key
