"""What is to be copied, and where to: each original once, even if two splits have it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gta.data.folder import VIDEO_SUFFIXES
from gta.data.records import Split, Video, VideoList

from .copies import ENDINGS
from .options import Options

PLACE = "videos"
_LONGEST_KEY = 60


@dataclass(frozen=True, slots=True)
class Job:
    """One original."""

    name: str
    """Its path relative to the data set's folder."""
    source: Path
    place: str
    """Of the copy, relative to the prepared folder."""
    key: str
    """Of its members in a shard: no dots, which would end it there."""
    split: Split
    """The first that has it."""
    video: Video


def make_plan(splits: Mapping[Split, VideoList], root: Path, options: Options) -> dict[str, Job]:
    """Jobs by name, in the order of the splits and of their lists."""
    jobs: dict[str, Job] = {}
    places, keys = set[str](), set[str]()
    for split, videos in splits.items():
        for video in videos.videos:
            assert isinstance(video.path, Path)
            name = name_of(video.path, root)
            if name in jobs:
                continue
            stem = name
            if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                stem = str(Path(name).with_suffix("").as_posix())
            if stem in places:  # a.mp4 beside a.webm
                stem = name
            places.add(stem)
            place = f"{PLACE}/{stem}{ENDINGS[options.form]}"
            jobs[name] = Job(name, video.path, place, _key(video.id, keys), split, video)
    return jobs


def name_of(path: Path, root: Path) -> str:
    """A path relative to the data set's folder, with slashes."""
    return Path(os.path.relpath(path, root)).as_posix()


def _key(id: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", id)[:_LONGEST_KEY]
    key, number = plain, 1
    while key in taken:
        number += 1
        key = f"{plain}-{number}"
    taken.add(key)
    return key
