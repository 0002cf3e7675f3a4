"""Something-Something v1 and v2, read as they are distributed.

v1 (Goyal et al. 2017): `something-something-v1-{labels,train,validation}.csv` and a folder of JPEG
frames a video. v2 (Mahdisoltani et al. 2018): `{labels,train,validation}.json` and WebM files.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from gta.errors import DataError, nearest

from .records import Split, Video, VideoList

_ANNOTATION = {"train": "train", "val": "validation"}
_SUFFIXES = ("", ".webm", ".mp4", ".mkv", ".avi")  # "": a folder of frames


def read_ssv1(root: Path, split: Split) -> VideoList:
    """Reads Something-Something v1; labels are in the order of the labels file.

    Other projects sort the names instead: scores and weights of the two orders do not mix.

    Raises:
        DataError: An annotation file or all videos are missing, or a line makes no sense.
    """
    classes = [line for _, line in _lines(_find(root, "v1", "labels", "csv"))]
    file = _find(root, "v1", _ANNOTATION[split], "csv")
    rows = []
    for number, line in _lines(file):
        id, separator, name = line.partition(";")
        if not separator:
            raise DataError(f"{file}, line {number}: {line!r} is not `id;label`.")
        rows.append((f"line {number}", id.strip(), name.strip()))
    return _list(root, "v1", file, rows, classes)


def read_ssv2(root: Path, split: Split) -> VideoList:
    """Reads Something-Something v2; labels are the numbers of the labels file.

    Raises:
        DataError: An annotation file or all videos are missing, or an entry makes no sense.
    """
    labels_file = _find(root, "v2", "labels", "json")
    numbers = _json(labels_file)
    try:
        labels = {int(number): name for name, number in numbers.items()}
    except (AttributeError, TypeError, ValueError):
        labels = {}
    classes = [labels[number] for number in range(len(labels)) if number in labels]
    if not classes or len(classes) < len(numbers):
        raise DataError(
            f'{labels_file}: expected {{"class name": "0", ...}} with the numbers from 0 on.'
        )
    file = _find(root, "v2", _ANNOTATION[split], "json")
    entries, rows = _json(file), []
    if not isinstance(entries, list):
        raise DataError(f'{file}: expected [{{"id": "1", "template": "class name", ...}}, ...].')
    for number, entry in enumerate(entries):
        try:
            id, template = str(entry["id"]), str(entry["template"])
        except (TypeError, KeyError) as error:
            raise DataError(f'{file}, entry {number}: no "id" and "template".') from error
        rows.append((f"entry {number}", id, template.replace("[", "").replace("]", "")))
    return _list(root, "v2", file, rows, classes)


def _list(
    root: Path,
    version: str,
    file: Path,
    rows: Sequence[tuple[str, str, str]],
    classes: list[str],
) -> VideoList:
    """Checks rows of (where, id, class name) and finds their videos."""
    labels = {name: label for label, name in enumerate(classes)}
    ids = set[str]()
    for where, id, name in rows:
        if name not in labels:
            raise DataError(
                f"{file}, {where}: {name!r} is not in the labels file.{nearest(name, classes)}"
            )
        if id in ids:
            raise DataError(f"{file}, {where}: id {id!r} is there twice.")
        if not id or id in (".", "..") or Path(id).name != id:
            raise DataError(f"{file}, {where}: {id!r} cannot be the name of a video.")
        ids.add(id)
    if not rows:
        raise DataError(f"{file} lists no videos.")
    folder, suffix = _find_videos(root, version, [id for _, id, _ in rows])
    videos = [Video(id, folder / f"{id}{suffix}", labels[name]) for _, id, name in rows]
    return VideoList(videos, classes)


def _find(root: Path, version: str, what: str, extension: str) -> Path:
    names = [f"something-something-{version}-{what}.{extension}", f"{what}.{extension}"]
    places = [folder / name for folder in (root, root / "labels") for name in names]
    for place in places:
        if place.is_file():
            return place
    looked_for = ", ".join(str(place.relative_to(root)) for place in places)
    raise DataError(
        f"No {what} file of Something-Something {version} under {root}. Looked for: {looked_for}."
    )


def _find_videos(root: Path, version: str, ids: Iterable[str]) -> tuple[Path, str]:
    """The folder that holds videos, and the ending of their names."""
    ids = list(ids)
    names = (f"20bn-something-something-{version}", "videos", "frames", ".")
    places = [root / name for name in names if (root / name).is_dir()]
    for place in places:
        # one listing, not 200 000 questions: the folder may be on another machine
        present = {entry.name for entry in place.iterdir()}
        for suffix in _SUFFIXES:
            if any(f"{id}{suffix}" in present for id in ids):
                return place, suffix
    raise DataError(
        f"None of the {len(ids)} videos of Something-Something {version} is under {root}. Looked "
        f"for folders of frames or video files such as {ids[0]}.webm in it and in its folders "
        f"{', '.join(names[:-1])}."
    )


def _lines(file: Path) -> list[tuple[int, str]]:
    """Lines with their numbers, without empty ones."""
    lines = _text(file).splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def _json(file: Path):
    try:
        return json.loads(_text(file))
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON: {error}.") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
