"""Where the clips of Kinetics are: by their names, in the upper levels of the data folder."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gta.data.formats.disk import has_video_ending, is_video
from gta.data.formats.kinetics_rows import Clip
from gta.errors import DataError

DEPTH = 5
"""Levels of folders that are looked through, the root included."""
_TIMES = re.compile(r"(.+?)_(\d+)(?:\.\d+)?_(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips that are there."""

    paths: dict[str, Path]
    """By the name of the clip."""
    notes: tuple[str, ...] = ()
    hint: str = ""
    """Of what is there instead."""


def find_clips(root: Path, clips: Sequence[Clip]) -> Clips:
    """Finds files and folders of frames named by id and times, with or without leading zeros.

    A file named by the id alone is that of its clip where the annotation has one clip of this id;
    of several it is unclear which clip it is, and they count as missing. Of two with the same name
    the first is taken that is in a folder of replacements, then the less deep, then the first by
    name.
    """
    count = Counter(clip.id for clip in clips)
    keys = {(clip.id, clip.start, clip.end): clip.name for clip in clips}
    by_name, by_id = defaultdict[str, list[Path]](list), defaultdict[str, list[Path]](list)
    for path, stem in _walk(root, set(count)):
        parts = _TIMES.fullmatch(stem)
        name = keys.get((parts[1], int(parts[2]), int(parts[3]))) if parts else None
        if name is not None:
            by_name[name].append(path)
        elif stem in count:
            by_id[stem].append(path)
    paths, several, unclear = dict[str, Path](), list[str](), list[str]()
    for clip in clips:
        files = by_name.get(clip.name) or (by_id.get(clip.id, []) if count[clip.id] == 1 else [])
        if not files:
            unclear += [clip.name] if clip.id in by_id else []
            continue
        if len(files) > 1:
            files = sorted([p for p in files if is_video(str(p))] or files, key=_is_original)
        if len(files) > 1:
            shown = ", ".join(str(path.relative_to(root)) for path in files)
            several.append(f"{clip.name}: {shown}")
        paths[clip.name] = files[0]
    notes = []
    if several:
        many = "A clip is" if len(several) == 1 else f"{len(several)} clips are"
        notes.append(f"{many} there more than once, read is the first ({several[0]})")
    if unclear:
        many = "A clip is" if len(unclear) == 1 else f"{len(unclear)} clips are"
        note = (
            f"{many} left out: files named by the id alone do not tell which of its times they "
            f"are ({unclear[0]})"
        )
        notes.append(note)
    return Clips(paths, tuple(notes), f" {notes[-1]}." if unclear else "")


def _is_original(path: Path) -> bool:
    return not any(part.lower().startswith("replacement") for part in path.parts)


def _walk(root: Path, ids: set[str]) -> Iterator[tuple[Path, str]]:
    """Videos and folders named like clips, with their names without ending, level by level."""
    folders, seen = [root], {os.path.realpath(root)}
    for _ in range(DEPTH):
        deeper = list[Path]()
        for folder in folders:
            for name, is_folder, is_link in _entries(folder):
                stem, _ = os.path.splitext(name)
                if not is_folder:
                    if has_video_ending(name):
                        # converted or merged by a program that adds its ending: ID.webm.mp4
                        yield folder / name, stem.removesuffix(_ending(stem))
                elif name in ids or _TIMES.fullmatch(name):
                    yield folder / name, name
                else:
                    if is_link:
                        real = os.path.realpath(folder / name)
                        if real in seen:
                            continue
                        seen.add(real)
                    deeper.append(folder / name)
        folders = deeper


def _ending(name: str) -> str:
    return os.path.splitext(name)[1] if has_video_ending(name) else ""


def _entries(folder: Path) -> list[tuple[str, bool, bool]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e.name, e.is_dir(), e.is_symlink()) for e in entries)
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror or error}.") from error
