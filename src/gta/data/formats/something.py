"""Something-Something v1 and v2, read as they are distributed.

v1 (Goyal et al. 2017): `something-something-v1-{labels,train,validation,test}.csv` and a folder of
JPEG frames a video. v2 (Mahdisoltani et al. 2018): `{labels,train,validation,test}.json` and WebM
files. The videos of the test split have no label, unless v2's `test-answers.csv` is there.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gta.data.formats.class_file import read_class_file
from gta.data.formats.columns import role_of
from gta.data.formats.dialect import decide
from gta.data.formats.disk import Finder, one_form
from gta.data.formats.labels import label_of
from gta.data.formats.text import once, read_json, read_lines
from gta.data.records import Split, Video, VideoList
from gta.errors import DataError

_ANNOTATION = {"train": ("train",), "val": ("validation", "val"), "test": ("test",)}
_ENDINGS = (".webm", ".mp4", ".mkv", ".avi")


def read_ssv1(root: Path, split: Split) -> VideoList:
    """Reads Something-Something v1; labels are in the order of the labels file.

    Other projects sort the names instead: scores and weights of the two orders do not mix.

    Raises:
        DataError: An annotation file or all videos are missing, or a line makes no sense.
    """
    labels_file = _find(root, "v1", ("labels",), "csv")
    classes = read_class_file(labels_file).names
    file = _find(root, "v1", _ANNOTATION[split], "csv")
    return _list(root, "v1", file, _id_and_label(file, labeled=split != "test"), classes)


def read_ssv2(root: Path, split: Split) -> VideoList:
    """Reads Something-Something v2; labels are the numbers of the labels file.

    Raises:
        DataError: An annotation file or all videos are missing, or an entry makes no sense.
    """
    labels_file = _find(root, "v2", ("labels",), "json")
    numbers = read_json(labels_file)
    try:
        if all(str(name).isdecimal() for name in numbers):  # {"0": "class name"}
            numbers = {name: number for number, name in numbers.items()}
        labels = {int(number): name for name, number in numbers.items()}
    except (AttributeError, TypeError, ValueError):
        labels = {}
    classes = [labels[number] for number in range(len(labels)) if number in labels]
    if not classes or len(classes) < len(numbers):
        raise DataError(
            f'{labels_file}: expected {{"class name": "0", ...}} with the numbers from 0 on.'
        )
    if split == "test" and (answers := _first(_places(root, "v2", ("test-answers",), "csv"))):
        return _list(root, "v2", answers, _id_and_label(answers, labeled=True), classes)
    file = _find(root, "v2", _ANNOTATION[split], "json")
    entries, rows = read_json(file), []
    if not isinstance(entries, list):
        raise DataError(f'{file}: expected [{{"id": "1", "template": "class name", ...}}, ...].')
    for number, entry in enumerate(entries):
        try:
            id = str(entry["id"])
            name = None if split == "test" else str(entry["template"])
        except (TypeError, KeyError) as error:
            wanted = '"id"' if split == "test" else '"id" and "template"'
            raise DataError(f"{file}, entry {number}: no {wanted}.") from error
        rows.append((f"entry {number}", id, name and name.replace("[", "").replace("]", "")))
    return _list(root, "v2", file, rows, classes)


Entries = Sequence[tuple[str, str, str | None]]
"""(where, id, class name) of each video."""


def _id_and_label(file: Path, *, labeled: bool) -> Entries:
    """Lines `id;label`, or in another dialect; of `id`, where they have no labels."""
    lines = [(n, line) for n, line in read_lines(file) if not line.startswith("#")]
    dialect = decide(lines)
    text, rows = dict(lines), []
    mark = dialect.delimiter or ";"
    for number, (id, *rest) in dialect.records(lines, file):
        if not rows and role_of(id) in ("name", "path") and not re.search(r"\d", id):
            continue  # a header
        name = (" " if mark == " " else f"{mark} ").join(rest)
        if labeled and not name:
            raise DataError(f"{file}, line {number}: {text[number]!r} is not `id{mark}label`.")
        rows.append((f"line {number}", id, name or None))
    return rows


def _list(root: Path, version: str, file: Path, rows: Entries, classes: list[str]) -> VideoList:
    """Checks the entries of a list and finds their videos."""
    labels = {one_form(name): label for label, name in enumerate(classes)}
    for where, id, _ in rows:
        if not id or id in (".", "..") or Path(id).name != id:
            raise DataError(f"{file}, {where}: {id!r} cannot be the name of a video.")
    rows, repeated = once(
        rows,
        key=lambda row: row[1],
        label=lambda row: row[2],
        where=lambda row: row[0],
        file=file,
        what=file.name,
    )
    numbers = [
        None if name is None else label_of(name, labels, f"{file}, {where}")
        for where, _, name in rows
    ]
    ids = [id for _, id, _ in rows]
    places = (f"20bn-something-something-{version}", "videos", "frames", ".")
    finder = Finder(root, places, _ENDINGS)
    located = finder.locate(ids, f"Something-Something {version}")
    videos = [Video(*fields) for fields in zip(ids, located.paths, numbers, strict=True)]
    return VideoList(videos, classes, notes=(*repeated, *located.notes))


def _places(root: Path, version: str, names: Sequence[str], extension: str) -> list[Path]:
    prefixes = (f"something-something-{version}-", "")
    files = [f"{prefix}{name}.{extension}" for name in names for prefix in prefixes]
    return [folder / file for folder in (root, root / "labels") for file in files]


def _first(places: list[Path]) -> Path | None:
    return next((place for place in places if place.is_file()), None)


def _find(root: Path, version: str, names: Sequence[str], extension: str) -> Path:
    path = _first(_places(root, version, names, extension))
    if path is None:
        places = _places(root, version, names[:1], extension)
        looked_for = ", ".join(str(place.relative_to(root)) for place in places)
        raise DataError(
            f"No {names[0]} file of Something-Something {version} under {root}. "
            f"Looked for: {looked_for}."
        )
    return path
