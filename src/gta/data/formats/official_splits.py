"""UCF101 (Soomro et al. 2012) and HMDB51 (Kuehne et al. 2011) with their three official splits.

Both have training and test videos; the test videos are for validation too.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gta.data.formats.class_file import ClassFile, read_class_file
from gta.data.formats.columns import is_number, whole
from gta.data.formats.dialect import decide
from gta.data.formats.disk import Finder, inside, one_form
from gta.data.formats.labels import label_of
from gta.data.formats.rows import Row, read_table
from gta.data.formats.text import once, read_lines
from gta.data.records import Split, Video, VideoList
from gta.errors import DataError, UsageError

_ENDINGS = (".avi", ".mp4", ".mkv", ".webm")


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
    named = read_class_file(index_file)
    labels = {one_form(name): label for label, name in enumerate(named.names)}
    list_name = f"{'train' if split == 'train' else 'test'}list{fold:02d}.txt"
    file, rows = _find(root, folders, list_name, "UCF101"), []
    places = (".", "UCF-101", "UCF101", "videos", "frames")
    finder = Finder(root, places, _ENDINGS)
    table = read_table(file, finder, split, what=file.name, label_needed=False)
    for row in table.rows:
        where = f"{file}, {row.where}"
        name = inside(root, row.name, where)
        parts = name.split("/")
        if len(parts) != 2:
            line = row.name if row.label is None else f"{row.name} {row.label}"
            raise DataError(f"{where}: {line!r} is not `class/video.avi`, with or without a label.")
        rows.append((row.where, name, label_of(parts[0], labels, where)))
    notes = _check_numbers(table.rows, [label for *_, label in rows], named, file)
    return _located(file, rows, named.names, "UCF101", finder, notes)


def _check_numbers(
    rows: Sequence[Row], labels: Sequence[int], named: ClassFile, file: Path
) -> tuple[str, ...]:
    """Whether the numbers in a list are those of the class folders, counted from 1 or from 0."""
    ids = named.ids or list(range(1, len(named.names) + 1))
    labeled = [(r, label) for r, label in zip(rows, labels, strict=True) if r.label is not None]
    wrong = [r for r, label in labeled if not _is(r.label, ids[label])]
    if wrong and all(_is(r.label, label) for r, label in labeled):
        return (f"{file.name}: its labels count from 0, {named.file.name} counts from 1",)
    if wrong:
        raise DataError(
            f"{file}, {wrong[0].where}: label {wrong[0].label!r} is not the number that "
            f"{named.file.name} gives to the class of {wrong[0].name!r}. Correct the one that is "
            f"wrong."
        )
    return ()


def _is(label: str | None, number: int) -> bool:
    return label is not None and is_number(label) and whole(label) == number


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
    files = next((f for place in places if (f := sorted(place.glob(f"[!.]*{ending}")))), [])
    if not files:
        raise DataError(
            f"No lists of HMDB51 under {root}. Looked for <class>{ending} in it and in its folders "
            f"{', '.join(names)}."
        )
    classes = [file.name.removesuffix(ending) for file in files]
    used, rows = "1" if split == "train" else "2", []
    for label, file in enumerate(files):
        for number, name, mark, line in _marked(file):
            where = f"{file.name}, line {number}"
            if mark not in ("0", "1", "2") or not name:
                raise DataError(f"{file}, line {number}: {line!r} is not `video.avi 0|1|2`.")
            if mark == used:
                rows.append((where, inside(root, f"{classes[label]}/{name}", where), label))
    places = (".", "hmdb51", "hmdb51_org", "videos", "frames")
    finder = Finder(root, places, _ENDINGS)
    return _located(files[0].parent, rows, classes, "HMDB51", finder)


def _marked(file: Path) -> Iterator[tuple[int, str, str, str]]:
    """(number of the line, video, mark, line); videos of HMDB51 may begin with #."""
    lines = [(n, line) for n, line in read_lines(file) if not re.match(r"#(\s|$)", line)]
    text = dict(lines)
    for number, fields in decide(lines).records(lines, file):
        name, mark = " ".join(fields[:-1]), fields[-1]
        yield number, name, mark, text[number]


def _located(
    file: Path,
    rows: list[tuple[str, str, int]],
    classes: list[str],
    what: str,
    finder: Finder,
    notes: tuple[str, ...] = (),
) -> VideoList:
    rows = [(where, re.sub(r"\.avi$", "", name), label) for where, name, label in rows]
    rows, repeated = once(
        rows,
        key=lambda row: row[1],
        label=lambda row: classes[row[2]],
        where=lambda row: row[0],
        file=file,
        what=file.name,
    )
    located = finder.locate([id for _, id, _ in rows], what)
    videos = [Video(id, p, lab) for (_, id, lab), p in zip(rows, located.paths, strict=True)]
    return VideoList(videos, classes, notes=(*notes, *repeated, *located.notes))


def _find(root: Path, folders: tuple[Path, ...], name: str, what: str) -> Path:
    path = next((f for folder in folders if (f := folder / name).is_file()), None)
    if path is None:
        names = ", ".join(folder.name for folder in folders[1:])
        raise DataError(
            f"No {name} of {what} under {root}. Looked in it and in its folders {names}."
        )
    return path


def _check_fold(fold: int) -> None:
    if fold not in (1, 2, 3):
        raise UsageError(f"fold={fold} is not an official split; it is 1, 2 or 3.")
