"""Kinetics-400, 600 and 700 (Kay et al. 2017): the official csv or json, or a folder per class.

The csv has the columns label, youtube_id, time_start, time_end (seconds) and split; the json the
same by id. Two rows of one id at different times are two videos. Many clips can no longer be had;
those that are not there are left out and listed.
"""

from collections.abc import Mapping
from pathlib import Path

from gta.data.formats.apart import check_apart
from gta.data.formats.folder import read_folder
from gta.data.formats.kinetics_clips import DEPTH, find_clips
from gta.data.formats.kinetics_files import NAMES, find_annotations, unread
from gta.data.formats.kinetics_rows import Clip, read_clips
from gta.data.formats.labels import classes_of, label_of
from gta.data.formats.rows import Row
from gta.data.formats.text import once
from gta.data.records import Split, Video, VideoList
from gta.errors import DataError


def read_kinetics(
    root: Path, split: Split, *, lists: Mapping[Split, str | None] | None = None
) -> VideoList:
    """Reads Kinetics; sorted class names give the labels.

    Without an annotation, `train/<class>/*` and `val/<class>/*` are read
    (`gta.data.formats.folder`).

    Args:
        root: The annotation, and the videos in it or a few levels of folders below.
        split: Which.
        lists: The annotation of each split, relative to `root`, where its name does not tell.

    Raises:
        DataError: Neither is there, a line makes no sense, or all videos are missing.
    """
    files = find_annotations(root, lists or {})
    if "train" not in files and "val" not in files:
        return _folders(root, split)
    if split not in files:
        there = ", ".join(str(file.relative_to(root)) for file in files.values())
        raise DataError(
            f"{root} has {there}, but no annotation of the {split} split of Kinetics. Looked for: "
            f"{', '.join(f'{name}.csv' for name in NAMES[split])}, also in its folders "
            f"annotations and labels, and for names like k400_{split}.csv."
        )
    file = files[split]
    clips = dict[Split, list[Clip]]()
    for part, of_part in files.items():
        shared = sum(other.samefile(of_part) for other in files.values()) > 1
        try:
            if part != "test" or split == "test":
                clips[part] = read_clips(of_part, part, shared=shared)
        except DataError:
            if part == split or not of_part.samefile(file):
                raise
    if split != "test":
        check_apart(
            {
                part: (files[part], [Row(clip.where, clip.name, clip.label) for clip in of_part])
                for part, of_part in clips.items()
            }
        )
    names = _classes(files, clips)
    rows, repeated = once(
        clips[split],
        key=lambda clip: clip.name,
        label=lambda clip: clip.label,
        where=lambda clip: clip.where,
        file=file,
        what=file.name,
    )
    labels = {name: label for label, name in enumerate(names)}
    known = "a class of the training annotation"
    numbers = [
        label_of(clip.label, labels, f"{file}, {clip.where}", known) if clip.label else None
        for clip in rows
    ]
    located = find_clips(root, rows)
    videos = [
        Video(clip.name, located.paths[clip.name], label)
        for clip, label in zip(rows, numbers, strict=True)
        if clip.name in located.paths
    ]
    if not videos:
        raise DataError(
            f"None of the {len(rows)} videos of {file} is under {root}. Looked in it and "
            f"{DEPTH - 1} levels of folders for videos or folders of frames such as "
            f"{rows[0].name}.mp4.{located.hint}"
        )
    missing = tuple(clip.name for clip in rows if clip.name not in located.paths)
    return VideoList(
        videos, names, missing=missing, notes=(*repeated, *located.notes, *_without_training(clips))
    )


def _folders(root: Path, split: Split) -> VideoList:
    try:
        return read_folder(root, split)
    except DataError as error:
        files = unread(root)
        if not files:
            raise
        raise DataError(
            f"{error} Or, for an annotation of Kinetics, name it like train.csv and val.csv; there "
            f"{'is' if len(files) == 1 else 'are'} {', '.join(files)}."
        ) from error


def _without_training(clips: Mapping[Split, list[Clip]]) -> list[str]:
    """Says which classes only the validation videos have: a spelling may differ."""
    train, val = ({clip.label for clip in clips.get(s, []) if clip.label} for s in ("train", "val"))
    only = sorted(val - train) if train else []
    return [f"classes of validation videos alone: {', '.join(only)}"] if only else []


def _classes(files: Mapping[Split, Path], clips: Mapping[Split, list[Clip]]) -> list[str]:
    """The classes of training and validation."""
    every = list[Row]()
    for part in ("train", "val"):
        if part in clips:
            rows = [Row(clip.where, clip.name, clip.label) for clip in clips[part] if clip.label]
            if rows:
                classes_of({"train": (files[part], rows)})  # numbers or names, in each file
            every += rows
    if not every:
        raise DataError(f"{next(iter(files.values()))} has no labels.")
    return classes_of({"train": (files.get("train", files.get("val", Path())), every)}).names
