"""Which videos were cut from one recording, as far as their names tell.

Clips of one recording share people, place and light. A model that has seen some of them recognizes
the others by that; if they are in both splits, the score says so little about new recordings.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from gta.data.formats.endings import is_video_name

_UCF = re.compile(r"(?P<key>v_.+_g\d+)_c(?P<number>\d+)", re.IGNORECASE)
_SECONDS = re.compile(r"(?P<key>.+)_(?P<start>\d{6})_(?P<end>\d{6})")  # Kinetics' names
_GOPRO = re.compile(r"(?P<kind>G[HXLP])(?P<number>\d\d)(?P<key>\d{4})")  # chapters of a film
_TIME = r"(?:\d{1,2}[-.:hm]\d{2}[-.:m]\d{2}s?|\d+[.,]\d+s?|\d+s|t\d+(?:\.\d+)?)"
_MARK = r"(?:clip|part|cut|seg|segment|chunk|piece|scene|shot|take|split)"
_TAILS = (
    # name_00-01-05_00-01-15, name-12.5-15.0, name_10s_20s
    rf"(?P<key>.+?)[\s_.-]+(?P<number>{_TIME}[\s_-]+(?:to[\s_-]+)?{_TIME})",
    # cam1_20240501_123005, cam1-2024-05-01T12.30.05: a day is a recording
    r"(?P<key>.+?[\s_.-]+(?:19|20)\d\d-?[01]\d-?[0-3]\d)"
    r"[\sT_.-]+(?P<number>[0-2]\d[-.:]?[0-5]\d[-.:]?[0-5]\d)",
    # name_00-01-05
    rf"(?P<key>.+?)[\s_.-]+(?P<number>{_TIME})",
    # name-clip2, name part 3, name_0001, name (4)
    rf"(?P<key>.+?)[\s_.(#-]+(?:{_MARK}[\s_.-]*)?(?P<number>\d{{1,9}})\)?",
    # match1clip3
    r"(?P<key>.+?)(?:clip|part|seg|chunk)(?P<number>\d+)",
)
_PIECES = [re.compile(tail, re.IGNORECASE) for tail in _TAILS]
_RANGE = re.compile(r"(?P<key>.+?)[\s_-]+(?P<start>\d{1,9})[_-](?P<end>\d{1,9})")
"""name_120_250, where all names have a start before their end."""
_FEWEST_RANGES = 4
_DATE = re.compile(r"(19|20)\d\d-?[01]\d-?[0-3]\d")
_PLAIN = frozenset(
    (
        *("v", "vid", "video", "videos", "img", "image", "mov", "movie", "mvi", "dsc", "dscf"),
        *("dscn", "pxl", "dji", "gopr", "cimg", "sam", "win", "wp", "clip", "part", "seg"),
        *("segment", "scene", "shot", "take", "sample", "file", "rec", "recording", "capture"),
        *("screen", "screenrecording", "whatsapp", "signal", "trim", "output", "out", "example"),
        *("data", "item", "at", "wa"),
    )
)
"""Words that cameras, telephones and habit give: they name no recording."""
_LARGEST = 0.5
"""Share of a class above which what its names begin with says nothing about recordings."""
_RESTARTS = 0.8
"""Different numbers, as a share of the videos: numbering starts anew with each recording."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a name tells about where a video was cut from."""

    key: str
    """Equal for videos of one recording."""
    sure: bool
    """The name is of a known kind: UCF's groups, seconds of a film, chapters of a camera."""


def find_recordings(videos: Sequence[tuple[str, int | None]]) -> list[Recording | None]:
    """The recording of each (id, label); None where the name tells of none.

    Numbers at the end of names are common and mean little by themselves. They count as pieces of a
    recording where a class has several beginnings of names, none of them in most of its videos, and
    the numbers start anew with each.
    """
    stems = [_stem(id) for id, _ in videos]
    recordings = [_sure(stem) for stem in stems]
    tails = _pieces(stems)
    members: dict[str, list[int]] = defaultdict(list)
    for i, tail in enumerate(tails):
        if tail is not None and recordings[i] is None:
            members[tail[0]].append(i)
    sizes = Counter(label for _, label in videos)
    likely: dict[str, list[int]] = {}
    for key, group in members.items():
        of_class = Counter(videos[i][1] for i in group)
        share = max(count / sizes[label] for label, count in of_class.items())
        if len(group) > 1 and share <= _LARGEST:
            likely[key] = group
    places = [i for group in likely.values() for i in group]
    numbers = {tail[1] for i in places if (tail := tails[i]) is not None}
    if len(likely) > 1 and len(numbers) <= _RESTARTS * len(places):
        for key, group in likely.items():
            for i in group:
                recordings[i] = Recording(key, sure=False)
    return recordings


def _stem(id: str) -> str:
    name = PurePosixPath(id).name
    return name.rpartition(".")[0] if is_video_name(name) else name


def _sure(stem: str) -> Recording | None:
    if match := _UCF.fullmatch(stem):
        return Recording(match["key"], sure=True)
    if (match := _SECONDS.fullmatch(stem)) and int(match["start"]) < int(match["end"]):
        return Recording(match["key"], sure=True)
    if match := _GOPRO.fullmatch(stem):
        return Recording(f"{match['kind']}..{match['key']}", sure=True)
    return None


def _pieces(stems: Sequence[str]) -> list[tuple[str, str] | None]:
    """The beginning of each name, and the number, times or part at its end."""
    ranges = [_RANGE.fullmatch(stem) for stem in stems]
    lengths = [int(match["end"]) - int(match["start"]) for match in ranges if match]
    in_order = len(lengths) >= _FEWEST_RANGES and min(lengths) > 0
    pieces: list[tuple[str, str] | None] = []
    for stem, span in zip(stems, ranges, strict=True):
        if in_order and span is not None:
            pieces.append(_named(span["key"], f"{span['start']}-{span['end']}"))
            continue
        matches = (piece.fullmatch(stem) for piece in _PIECES)
        match = next((match for match in matches if match), None)
        pieces.append(match and _named(match["key"], match["number"].lstrip("0")))
    return pieces


def _named(key: str, number: str) -> tuple[str, str] | None:
    key = key.rstrip(" _.-(#")
    words = re.split(r"[\s_.-]+", _DATE.sub("", key).lower())
    plain = all(word in _PLAIN or (len(word) < 2 and not word.isdigit()) for word in words)
    return None if plain else (key, number)
