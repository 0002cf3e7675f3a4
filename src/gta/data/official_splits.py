"""UCF101 (Soomro et al. 2012) and HMDB51 (Kuehne et al. 2011) with their three official splits.

Both have training and test videos; the test videos are for validation too.
"""

import re
from pathlib import Path

from gta.errors import DataError, UsageError

from .annotation import check_ids, class_names, inside, label_of, locate, read_lines
from .records import Split, Video, VideoList

_ENDINGS = ("", ".avi", ".mp4", ".mkv", ".webm")  # "": a folder of frames


def read_ucf101(root: Path, split: Split, *, fold: int = 1) -> VideoList:
    """Reads `classInd.txt`, `trainlist0N.txt` and `testlist0N.txt`.

    Args:
        root: Holds them, or a folder `ucfTrainTestlist` or `annotations` with them; and the videos.
        split: "val" and "test" are the same videos.
        fold: 1, 2 or 3: which of the three official splits.

    Raises:
        DataError: A list or all videos are missing, or a line makes no sense.
    """
    _check_fold(fold)
    folders = (root, root / "ucfTrainTestlist", root / "annotations")
    index_file = _find(root, folders, "classInd.txt", "UCF101")
    numbers = dict[int, str]()
    for number, line in read_lines(index_file):
        position, _, name = line.partition(" ")
        if not position.isdecimal() or not name.strip():
            raise DataError(f"{index_file}, line {number}: {line!r} is not `number class`.")
        numbers[int(position)] = name.strip()
    classes = class_names((numbers[number] for number in sorted(numbers)), index_file)
    labels = {name: label for label, name in enumerate(classes)}
    list_name = f"{'train' if split == 'train' else 'test'}list{fold:02d}.txt"
    file, rows = _find(root, folders, list_name, "UCF101"), []
    for number, line in read_lines(file):
        where = f"{file}, line {number}"
        name = inside(root, re.sub(r"\s+\d+$", "", line), where)
        parts = name.split("/")
        if len(parts) != 2:
            raise DataError(f"{where}: {line!r} is not `class/video.avi`, with or without a label.")
        rows.append((f"line {number}", name, label_of(parts[0], labels, where)))
    return _located(root, file, rows, classes, "UCF101", ("UCF-101", "UCF101", "videos", "frames"))


def read_hmdb51(root: Path, split: Split, *, fold: int = 1) -> VideoList:
    """Reads `<class>_test_splitN.txt`, whose lines end in 1 (training), 2 (test) or 0 (unused).

    Args:
        root: Holds them, or a folder `testTrainMulti_7030_splits` or `annotations` with them; and
            the videos, in a folder per class.
        split: "val" and "test" are the same videos.
        fold: 1, 2 or 3: which of the three official splits.

    Raises:
        DataError: The lists or all videos are missing, or a line makes no sense.
    """
    _check_fold(fold)
    ending = f"_test_split{fold}.txt"
    names = ("testTrainMulti_7030_splits", "splits", "annotations")
    places = [place for place in (root, *(root / name for name in names)) if place.is_dir()]
    files = next((f for place in places if (f := sorted(place.glob(f"*{ending}")))), [])
    if not files:
        raise DataError(
            f"No lists of HMDB51 under {root}. Looked for <class>{ending} in it and in its folders "
            f"{', '.join(names)}."
        )
    classes = [file.name.removesuffix(ending) for file in files]
    used, rows = "1" if split == "train" else "2", []
    for label, file in enumerate(files):
        for number, line in read_lines(file):
            name, _, mark = line.rpartition(" ")
            where = f"{file.name}, line {number}"
            if mark not in ("0", "1", "2") or not name.strip():
                raise DataError(f"{file}, line {number}: {line!r} is not `video.avi 0|1|2`.")
            if mark == used:
                path = inside(root, f"{classes[label]}/{name.strip()}", where)
                rows.append((where, path, label))
    places = ("hmdb51", "hmdb51_org", "videos", "frames")
    return _located(root, files[0].parent, rows, classes, "HMDB51", places)


def _located(
    root: Path,
    file: Path,
    rows: list[tuple[str, str, int]],
    classes: list[str],
    what: str,
    places: tuple[str, ...],
) -> VideoList:
    ids = [re.sub(r"\.avi$", "", name) for _, name, _ in rows]
    check_ids(zip((where for where, _, _ in rows), ids, strict=True), file)
    paths = locate(root, ids, places=(".", *places), endings=_ENDINGS, what=what)
    videos = [Video(id, p, row[2]) for id, p, row in zip(ids, paths, rows, strict=True)]
    return VideoList(videos, classes)


def _find(root: Path, folders: tuple[Path, ...], name: str, what: str) -> Path:
    found = next((f for folder in folders if (f := folder / name).is_file()), None)
    if found is None:
        names = ", ".join(folder.name for folder in folders[1:])
        raise DataError(
            f"No {name} of {what} under {root}. Looked in it and in its folders {names}."
        )
    return found


def _check_fold(fold: int) -> None:
    if fold not in (1, 2, 3):
        raise UsageError(f"fold={fold} is not an official split; it is 1, 2 or 3.")
