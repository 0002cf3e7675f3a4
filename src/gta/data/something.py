"""Something-Something v1 and v2, read as they are distributed.

v1 (Goyal et al. 2017): `something-something-v1-{labels,train,validation,test}.csv` and a folder of
JPEG frames a video. v2 (Mahdisoltani et al. 2018): `{labels,train,validation,test}.json` and WebM
files. The videos of the test split have no label, unless v2's `test-answers.csv` is there.
"""

from collections.abc import Sequence
from pathlib import Path

from gta.errors import DataError

from .annotation import check_ids, class_names, label_of, locate, read_json, read_lines
from .records import Split, Video, VideoList

_ANNOTATION = {"train": "train", "val": "validation", "test": "test"}
_SUFFIXES = ("", ".webm", ".mp4", ".mkv", ".avi")  # "": a folder of frames


def read_ssv1(root: Path, split: Split) -> VideoList:
    """Reads Something-Something v1; labels are in the order of the labels file.

    Other projects sort the names instead: scores and weights of the two orders do not mix.

    Raises:
        DataError: An annotation file or all videos are missing, or a line makes no sense.
    """
    labels_file = _find(root, "v1", "labels", "csv")
    classes = class_names((line for _, line in read_lines(labels_file)), labels_file)
    file = _find(root, "v1", _ANNOTATION[split], "csv")
    return _list(root, "v1", file, _id_and_label(file, labelled=split != "test"), classes)


def read_ssv2(root: Path, split: Split) -> VideoList:
    """Reads Something-Something v2; labels are the numbers of the labels file.

    Raises:
        DataError: An annotation file or all videos are missing, or an entry makes no sense.
    """
    labels_file = _find(root, "v2", "labels", "json")
    numbers = read_json(labels_file)
    try:
        labels = {int(number): name for name, number in numbers.items()}
    except (AttributeError, TypeError, ValueError):
        labels = {}
    classes = [labels[number] for number in range(len(labels)) if number in labels]
    if not classes or len(classes) < len(numbers):
        raise DataError(
            f'{labels_file}: expected {{"class name": "0", ...}} with the numbers from 0 on.'
        )
    if split == "test" and (answers := _first(_places(root, "v2", "test-answers", "csv"))):
        return _list(root, "v2", answers, _id_and_label(answers, labelled=True), classes)
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


def _id_and_label(file: Path, *, labelled: bool) -> list[tuple[str, str, str | None]]:
    """Rows of (where, id, class name) of lines `id;label`; of `id`, where they have no labels."""
    rows = []
    for number, line in read_lines(file):
        id, separator, name = line.partition(";")
        if labelled and not separator:
            raise DataError(f"{file}, line {number}: {line!r} is not `id;label`.")
        rows.append((f"line {number}", id.strip(), name.strip() or None))
    return rows


def _list(
    root: Path,
    version: str,
    file: Path,
    rows: Sequence[tuple[str, str, str | None]],
    classes: list[str],
) -> VideoList:
    """Checks rows of (where, id, class name) and finds their videos."""
    labels = {name: label for label, name in enumerate(classes)}
    for where, id, _ in rows:
        if not id or id in (".", "..") or Path(id).name != id:
            raise DataError(f"{file}, {where}: {id!r} cannot be the name of a video.")
    check_ids(((where, id) for where, id, _ in rows), file)
    found = [
        None if name is None else label_of(name, labels, f"{file}, {where}")
        for where, _, name in rows
    ]
    ids = [id for _, id, _ in rows]
    paths = locate(
        root,
        ids,
        places=(f"20bn-something-something-{version}", "videos", "frames", "."),
        endings=_SUFFIXES,
        what=f"Something-Something {version}",
    )
    videos = [Video(*one) for one in zip(ids, paths, found, strict=True)]
    return VideoList(videos, classes)


def _places(root: Path, version: str, what: str, extension: str) -> list[Path]:
    names = [f"something-something-{version}-{what}.{extension}", f"{what}.{extension}"]
    return [folder / name for folder in (root, root / "labels") for name in names]


def _first(places: list[Path]) -> Path | None:
    return next((place for place in places if place.is_file()), None)


def _find(root: Path, version: str, what: str, extension: str) -> Path:
    places = _places(root, version, what, extension)
    found = _first(places)
    if found is None:
        looked_for = ", ".join(str(place.relative_to(root)) for place in places)
        raise DataError(
            f"No {what} file of Something-Something {version} under {root}. "
            f"Looked for: {looked_for}."
        )
    return found
