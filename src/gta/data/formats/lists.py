"""Lists of videos and labels: `path label` or `folder num_frames label`, a line each.

This covers the lists of TSM and MMAction2 (`folder num_frames label` for frames, `file label` for
videos, and JSON), PySlowFast's csv (`path label`) and its list of frames (`original_vido_id
video_id frame_id path labels`, a line a frame), and tables with a header. docs/data.md has the
rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gta.data.formats.apart import check_apart
from gta.data.formats.class_file import ClassFile, find_class_file
from gta.data.formats.disk import Finder, Folders, has_video_ending, inside
from gta.data.formats.frame_list import is_frame_list, read_frame_list
from gta.data.formats.json_rows import ENDINGS, read_json_rows
from gta.data.formats.labels import classes_of, is_unlabeled
from gta.data.formats.list_files import FOLDERS, find_lists
from gta.data.formats.rows import Row, Rows, read_table
from gta.data.formats.text import once
from gta.data.records import Split, Video, VideoList
from gta.errors import DataError

_PLACES = (".", "videos", "frames", "rawframes")
_ENDINGS = (".mp4", ".webm", ".avi", ".mkv")


def read_list(
    root: Path, split: Split, *, lists: Mapping[Split, str | None] | None = None
) -> VideoList:
    """Reads lists of videos.

    Classes are the names in a file (`classes.txt` or the like) beside the list; else the sorted
    names in the training list; else, where labels are numbers, the numbers.

    Args:
        root: Paths are relative to it, or to its folder `videos`, `frames` or `rawframes`.
        split: Which list. Where there is no list for "val", the one for "test" is it.
        lists: The file of each split, relative to `root`; without it, by the names that are usual:
            train.txt, train_videofolder.txt, ucf101_train_split_1_videos.txt and the like.

    Raises:
        DataError: No list, or several; a line makes no sense; no video of the list is there.
    """
    root = root.absolute()
    files = find_lists(root, split, lists or {})
    if split not in files:
        raise DataError(
            f"No list of the {split} split under {root}. Looked for {split}.txt, {split}.csv, "
            f"{split}_videofolder.txt, *_{split}_list_videos.txt and the like in it and in its "
            f"folders {', '.join(FOLDERS[1:])}; or give it: --set data.{split}_list=FILE"
        )
    is_test = split == "val" and files["val"] == files.get("test") and not (lists or {}).get("val")
    if not is_test:
        return _videos(root, split, files)
    try:
        videos = _videos(root, split, files)
    except DataError as error:
        raise DataError(
            f"{error} There is no list of the val split, so that the one of test is read for it."
        ) from error
    note = f"{files['val'].name} is the list of validation too: there is no other"
    return replace(videos, notes=(*videos.notes, note))


def _videos(root: Path, split: Split, files: Mapping[Split, Path]) -> VideoList:
    """The videos of one list; what labels are, the others tell too, where they make sense."""
    file, folders = files[split], Folders()
    what = str(file.relative_to(root) if file.is_relative_to(root) else file)
    named, of_classes = find_class_file([file.parent, *(root / folder for folder in FOLDERS)])
    finder = _finder(root, split, folders)
    own = _read(file, finder, split, what, named)
    known: dict[Split, tuple[Path, Sequence[Row]]] = {split: (file, own.rows)}
    for other in files:
        if other == split:
            continue
        try:
            rows = _read(files[other], _finder(root, other, folders), other, "", named).rows
        except DataError:
            continue  # only the list that is asked for has to make sense
        known[other] = (files[other], rows)
    if split != "test":
        check_apart(known)
    classes = classes_of(known, named)
    labeled, rooted = [], 0
    for row in own.rows:
        where = f"{file}, {row.where}"
        unlabeled = split == "test" and is_unlabeled(row.label)
        label = None if unlabeled else classes.label(row.label or "", where)
        name = inside(root, row.name, where)
        rooted += row.name == f"/{name}"
        labeled.append((row if name == row.name else replace(row, name=name), label))
    labeled, repeated = once(
        labeled,
        key=lambda entry: entry[0].name,
        label=lambda entry: entry[0].label,
        rest=lambda entry: dict(entry[0].rest),
        where=lambda entry: entry[0].where,
        file=file,
        what=what,
    )
    located = finder.locate([row.name for row, _ in labeled], what)
    rows = [(row, label, path) for (row, label), path in zip(labeled, located.paths, strict=True)]
    rows, same = once(
        rows,
        key=lambda entry: str(entry[2]).removeprefix(f"{root}/"),
        thing="video",
        label=lambda entry: entry[0].label,
        rest=lambda entry: dict(entry[0].rest),
        where=lambda entry: entry[0].where,
        file=file,
        what=what,
    )
    videos = [
        # the rate of a file is in the file
        Video(r.name, p, label, r.num_frames, fps=None if has_video_ending(p.name) else r.fps)
        for r, label, p in rows
    ]
    notes = [*own.notes, *of_classes, *classes.notes, *repeated, *same, *located.notes]
    if rooted:
        notes.append(f"{what}: {rooted} paths that begin with / are taken from {root}")
    return VideoList(videos, classes.names, notes=tuple(notes))


def _finder(root: Path, split: Split, folders: Folders) -> Finder:
    places = (*_PLACES, f"videos_{split}", f"rawframes_{split}", split)
    return Finder(root, places, _ENDINGS, folders)


def _read(file: Path, finder: Finder, split: Split, what: str, named: ClassFile | None) -> Rows:
    needed, classes = split != "test", named.names if named else ()
    if file.suffix.lower() in ENDINGS:
        return read_json_rows(file, split, what=what, label_needed=needed, classes=classes)
    if is_frame_list(file):
        return Rows(read_frame_list(file))
    return read_table(file, finder, split, what=what, classes=classes, label_needed=needed)
