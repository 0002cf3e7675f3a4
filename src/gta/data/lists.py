"""Lists of videos and labels: `path label` or `path num_frames label`, a line each.

This covers the lists of TSM and MMAction2 (`folder num_frames label` for frames, `file label` for
videos), PySlowFast's csv (`path label`) and its list of frames (`original_vido_id video_id frame_id
path labels`, a line a frame). Space, comma, semicolon or tab separate; a path may have spaces.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gta.errors import DataError

from .annotation import check_ids, class_names, inside, label_of, locate, read_lines
from .records import Split, Video, VideoList

CLASS_FILES = ("classes.txt", "labels.txt", "label_map.txt", "category.txt", "classInd.txt")
_FOLDERS = (".", "annotations", "labels", "lists")
_PLACES = (".", "videos", "frames", "rawframes")
_ENDINGS = ("", ".mp4", ".webm", ".avi", ".mkv")
_NAME = r"^(?:.*_)?{split}(?:_?list)?(?:_videofolder|_videos|_rawframes|_split_\d.*)?\.(?:txt|csv)$"
_SPLITS: dict[Split, str] = {"train": "train", "val": "(?:val|validation)", "test": "test"}
_HEADERS = ("label", "labels", "class", "target")
_FRAME_HEADER = ["original_vido_id", "video_id", "frame_id", "path", "labels"]  # PySlowFast's


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    name: str
    label: str
    num_frames: int | None = None


def read_list(
    root: Path, split: Split, *, lists: Mapping[Split, str | None] | None = None
) -> VideoList:
    """Reads lists of videos.

    Classes are the lines of a file of their names (`classes.txt` or the like) beside the list;
    else the sorted names in the training list; else, where labels are numbers, the numbers.

    Args:
        root: Paths are relative to it, or to its folder `videos`, `frames` or `rawframes`.
        split: Which list. Where there is no list for "val", the one for "test" is it.
        lists: The file of each split, relative to `root`; without it, by the names that are usual:
            train.txt, train_videofolder.txt, ucf101_train_split_1_videos.txt and the like.

    Raises:
        DataError: No list, or several; a line makes no sense; no video of the list is there.
    """
    root = root.absolute()
    files = {part: _list_of(root, part, (lists or {}).get(part)) for part in _SPLITS}
    files["val"] = files["val"] or files["test"]
    file = files[split]
    if file is None:
        raise DataError(
            f"No list of the {split} split under {root}. Looked for {split}.txt, {split}.csv, "
            f"{split}_videofolder.txt, *_{split}_list_videos.txt and the like in it and in its "
            f"folders {', '.join(_FOLDERS[1:])}; or give it: --set data.{split}_list=FILE"
        )
    named = _class_file(root, file)
    classes = _read_classes(named) if named else None
    rows = _read(file, classes)
    if classes is None:
        listed = {part: [row.label for row in _read(f, None)] for part, f in files.items() if f}
        every = [label for labels in listed.values() for label in labels]
        if all(label.isdecimal() for label in every):
            classes = [str(number) for number in range(max(map(int, every)) + 1)]
        else:
            classes = sorted(set(listed.get("train", every)))
    labels = {name: label for label, name in enumerate(classes)}
    names = [inside(root, row.name, f"{file}, {row.where}") for row in rows]
    check_ids(((row.where, name) for row, name in zip(rows, names, strict=True)), file)
    places = (*_PLACES, f"videos_{split}", f"rawframes_{split}", split)
    what = str(file.relative_to(root) if file.is_relative_to(root) else file)
    paths = locate(root, names, places=places, endings=_ENDINGS, what=what)
    videos = [
        Video(name, path, _label(row, labels, f"{file}, {row.where}"), row.num_frames)
        for name, path, row in zip(names, paths, rows, strict=True)
    ]
    return VideoList(videos, classes)


def _list_of(root: Path, split: Split, given: str | None) -> Path | None:
    if given is not None:
        if not (root / given).is_file():
            raise DataError(f"The {split} list {root / given} does not exist.")
        return root / given
    pattern = re.compile(_NAME.format(split=_SPLITS[split]))
    for folder in (root / name for name in _FOLDERS):
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        found = [entry for entry in entries if pattern.match(entry.name) and entry.is_file()]
        if len(found) > 1:
            raise DataError(
                f"{folder} has several lists of the {split} split: "
                f"{', '.join(entry.name for entry in found)}. Say which: "
                f"--set data.{split}_list={found[0].relative_to(root)}"
            )
        if found:
            return found[0]
    return None


def _class_file(root: Path, file: Path) -> Path | None:
    places = [file.parent, *(root / folder for folder in _FOLDERS)]
    files = (place / name for place in places for name in CLASS_FILES)
    return next((found for found in files if found.is_file()), None)


def _read_classes(file: Path) -> list[str]:
    """Lines with a name each, with or without a number before it that counts from 0 or 1."""
    lines = [line for _, line in read_lines(file)]
    split = [line.split(maxsplit=1) for line in lines]
    for first in (0, 1):
        if all(len(parts) == 2 and parts[0] == str(i) for i, parts in enumerate(split, first)):
            lines = [name for _, name in split]
            break
    return class_names(lines, file)


def _read(file: Path, classes: Sequence[str] | None) -> list[_Row]:
    lines = read_lines(file)
    if not lines:
        raise DataError(f"{file} lists no videos.")
    if re.split(r"[\s,;]+", lines[0][1]) == _FRAME_HEADER:
        return _read_frames(file, lines[1:])
    separator = _separator([line for _, line in lines])
    if lines[0][1].rsplit(separator, 1)[-1].strip(' "').lower() in _HEADERS:
        lines = lines[1:]
    split = [_path_and_label(line, separator, classes) for _, line in lines]
    counted = [path.rpartition(separator) for path, _ in split]
    # a path may end in a number too; that of every line hardly does
    with_frames = all(path and count.strip().isdecimal() for path, _, count in counted)
    rows = []
    for (number, line), (path, label), (folder, _, count) in zip(
        lines, split, counted, strict=True
    ):
        if not path or not label:
            raise DataError(
                f"{file}, line {number}: {line!r} is not `path{separator}label` or "
                f"`path{separator}num_frames{separator}label`. Space, comma, semicolon or tab "
                f"separate."
            )
        name, frames = (folder, int(count)) if with_frames else (path, None)
        rows.append(_Row(f"line {number}", name.strip(' "'), label, frames))
    if not rows:
        raise DataError(f"{file} lists no videos.")
    return rows


def _separator(lines: Sequence[str]) -> str:
    """What separates path and label: a tab, semicolon or comma if most lines have it."""
    has = {mark: sum(mark in line for line in lines) for mark in "\t;,"}
    return next((mark for mark, count in has.items() if count > len(lines) / 2), " ")


def _path_and_label(line: str, separator: str, classes: Sequence[str] | None) -> tuple[str, str]:
    path, _, label = line.rpartition(separator)
    if separator == " " and classes and not label.isdecimal():
        # a name of several words: the longest that the line ends in
        ends = [name for name in classes if line.endswith(f" {name}")]
        label = max(ends, key=len, default=label)
        path = line.removesuffix(label)
    return path.strip(), label.strip(' "')


def _read_frames(file: Path, lines: list[tuple[int, str]]) -> list[_Row]:
    """PySlowFast's list of frames: the folder of each video, with the number of its frames."""
    rows: dict[str, _Row] = {}
    for number, line in lines:
        fields = re.split(r"[\s,;]+", line)
        if len(fields) != len(_FRAME_HEADER):
            raise DataError(f"{file}, line {number}: {line!r} is not `{' '.join(_FRAME_HEADER)}`.")
        folder, _, picture = fields[3].strip('"').rpartition("/")
        label = fields[4].strip('"')
        if not folder or not picture or not label.isdecimal():
            raise DataError(
                f"{file}, line {number}: {line!r} needs a path folder/picture and one label. "
                f"Something-Something's lists have no labels; its json files do, and are read "
                f"with --data ssv2."
            )
        known = rows.get(folder, _Row(f"line {number}", folder, label, 0))
        rows[folder] = _Row(known.where, folder, label, (known.num_frames or 0) + 1)
    if not rows:
        raise DataError(f"{file} lists no videos.")
    return list(rows.values())


def _label(row: _Row, labels: Mapping[str, int], where: str) -> int:
    if row.label.isdecimal():
        number = int(row.label)
        if number >= len(labels) and row.label not in labels:
            raise DataError(
                f"{where}: label {number} is not one of the {len(labels)} classes; they count "
                f"from 0 to {len(labels) - 1}."
            )
        return labels.get(row.label, number)
    return label_of(row.label, dict(labels), where)
