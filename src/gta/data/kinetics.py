"""Kinetics-400, 600 and 700 (Kay et al. 2017): the official csv, or a folder per class.

The csv has the columns label, youtube_id, time_start, time_end (seconds) and split. A clip's file
is named `<youtube_id>_<start>_<end>` with six digits each, or `<youtube_id>`, and lies anywhere in
the three upper levels of the data folder: by split, by class, or all in one folder. Many clips can
no longer be had; those that are not there are left out and listed.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from gta.errors import DataError

from .annotation import read_text
from .folder import VIDEO_SUFFIXES, read_folder
from .records import Split, Video, VideoList

_FILES = {"train": ("train",), "val": ("val", "validate", "validation"), "test": ("test",)}
_COLUMNS = ("label", "youtube_id", "time_start", "time_end")
_DEPTH = 3


def read_kinetics(root: Path, split: Split) -> VideoList:
    """Reads Kinetics; sorted class names give the labels.

    Without a csv, `train/<class>/*` and `val/<class>/*` are read (`gta.data.folder`).

    Raises:
        DataError: Neither is there, a line makes no sense, or all videos are missing.
    """
    files = {part: _find(root, part) for part in _FILES}
    file = files[split]
    if files["train"] is None and files["val"] is None:
        return read_folder(root, split)
    if file is None:
        there = ", ".join(str(found.relative_to(root)) for found in files.values() if found)
        raise DataError(
            f"{root} has {there}, but no annotation of the {split} split of Kinetics. Looked for: "
            f"{', '.join(f'{name}.csv' for name in _FILES[split])}, also in its folders "
            f"annotations and labels."
        )
    labelled = [files[part] for part in ("train", "val")]
    classes = sorted({row[1] for part in labelled if part for row in _rows(part) if row[1]})
    labels = {name: label for label, name in enumerate(classes)}
    rows = {}
    for where, name, id, clip in _rows(file):
        if name and name not in labels:
            raise DataError(f"{where}: {name!r} is no class of the training annotation.")
        if rows.setdefault(clip, (id, name))[1] != name:
            raise DataError(f"{where}: {clip!r} is there twice, as {rows[clip][1]!r} and {name!r}.")
    if not rows:
        raise DataError(f"{file} lists no videos.")
    found = _present(root, {word for clip, (id, _) in rows.items() for word in (clip, id)})
    videos = [
        Video(clip, found.get(clip) or found[id], labels[name] if name else None)
        for clip, (id, name) in rows.items()
        if clip in found or id in found
    ]
    if not videos:
        raise DataError(
            f"None of the {len(rows)} videos of {file} is under {root}. Looked in it and "
            f"{_DEPTH - 1} levels of folders for videos or folders of frames such as "
            f"{next(iter(rows))}.mp4."
        )
    there = {video.id for video in videos}
    return VideoList(videos, classes, missing=tuple(clip for clip in rows if clip not in there))


def _find(root: Path, split: str) -> Path | None:
    folders = (root, root / "annotations", root / "labels")
    files = (folder / f"{name}.csv" for folder in folders for name in _FILES[split])
    return next((file for file in files if file.is_file()), None)


def _rows(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """(where, class name, YouTube id, name of the clip) of each line; the class may be empty."""
    lines = csv.DictReader(read_text(file).splitlines())
    missing = [name for name in _COLUMNS[1:] if name not in (lines.fieldnames or ())]
    if missing:
        raise DataError(
            f"{file} is no annotation of Kinetics: its first line lacks {', '.join(missing)}. It "
            f"should be: {','.join(_COLUMNS)},split. A list of `path label` is read with "
            f"--set data.format=list."
        )
    for row in lines:
        where = f"{file}, line {lines.line_num}"
        id, name = (row["youtube_id"] or "").strip(), (row.get("label") or "").strip()
        if not id or Path(id).name != id or id in (".", ".."):
            raise DataError(f"{where}: {id!r} cannot be the name of a video.")
        try:
            start, end = (round(float(row[key])) for key in ("time_start", "time_end"))
        except (TypeError, ValueError, OverflowError) as error:
            times = f"{row['time_start']!r} and {row['time_end']!r}"
            raise DataError(f"{where}: {times} are no times in seconds.") from error
        yield where, name, id, f"{id}_{start:06d}_{end:06d}"


def _present(root: Path, wanted: set[str]) -> dict[str, Path]:
    """Files and folders of frames by their names; of two, the one less deep."""
    found: dict[str, Path] = {}
    folders = [root]
    for _ in range(_DEPTH):
        deeper = list[Path]()
        for folder in folders:
            for name, is_folder in _entries(folder):
                stem, suffix = os.path.splitext(name)
                if name in wanted and is_folder:
                    found.setdefault(name, folder / name)
                elif is_folder:
                    deeper.append(folder / name)
                elif stem in wanted and suffix.lower() in VIDEO_SUFFIXES:
                    found.setdefault(stem, folder / name)
        folders = deeper
    return found


def _entries(folder: Path) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        return sorted((entry.name, entry.is_dir()) for entry in entries)
