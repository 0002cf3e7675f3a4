"""Annotation files, read with care: a mistake in one is told with the file and the line."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from gta.errors import DataError, nearest


def read_text(file: Path) -> str:
    """The text of a file; UTF-8, a byte order mark is ignored.

    Raises:
        DataError: It cannot be read, or is in another encoding.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        is_utf16 = error.object.startswith((b"\xff\xfe", b"\xfe\xff"))
        what = "It looks like UTF-16" if is_utf16 else f"Line {line} has a byte that it cannot have"
        raise DataError(
            f"{file} is not UTF-8 text. {what}; save the file as UTF-8 (in an editor, or with "
            f"iconv -f {'UTF-16' if is_utf16 else 'LATIN1'} -t UTF-8)."
        ) from error


def read_lines(file: Path) -> list[tuple[int, str]]:
    """Lines with their numbers from 1, stripped, without empty ones."""
    lines = read_text(file).splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def read_json(file: Path):
    """What a JSON file holds.

    Raises:
        DataError: It is not JSON.
    """
    try:
        return json.loads(read_text(file))
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON: {error}.") from error


def class_names(names: Iterable[str], file: Path) -> list[str]:
    """The classes of a labels file, in its order.

    Raises:
        DataError: None, or one twice.
    """
    classes = list(names)
    twice = next((name for i, name in enumerate(classes) if name in classes[:i]), None)
    if not classes or twice is not None:
        what = "has no classes" if not classes else f"has the class {twice!r} twice"
        raise DataError(f"{file} {what}.")
    return classes


def label_of(name: str, labels: dict[str, int], where: str) -> int:
    """The label of a class name.

    Raises:
        DataError: There is no such class; names the nearest.
    """
    if name not in labels:
        raise DataError(
            f"{where}: {name!r} is not in the labels file.{nearest(name, list(labels))}"
        )
    return labels[name]


def check_ids(rows: Iterable[tuple[str, str]], file: Path) -> None:
    """Looks through (where, id): there is one at least, and none is there twice.

    Raises:
        DataError: There is none, or one is there twice.
    """
    seen = dict[str, str]()
    for where, id in rows:
        if id in seen:
            raise DataError(f"{file}, {where}: id {id!r} is there twice, first at {seen[id]}.")
        seen[id] = where
    if not seen:
        raise DataError(f"{file} lists no videos.")


def inside(root: Path, name: str, where: str) -> str:
    """The path of a video relative to the data folder, as an annotation gives it.

    Raises:
        DataError: It leaves the folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() and path.is_relative_to(root.absolute().as_posix()):
        path = path.relative_to(root.absolute().as_posix())
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(
            f"{where}: {name!r} is not a path inside of the data folder {root}. Paths of an "
            f"annotation are relative to it; give a folder that holds all videos as --root."
        )
    return str(path)


class Folders:
    """Which entries folders have. Each is listed once: it may be large, and on another machine."""

    def __init__(self):
        self._entries: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        """Whether a file or folder of this name exists."""
        folder, _, name = path.rpartition("/")
        if folder not in self._entries:
            try:
                found = frozenset(entry.name for entry in Path(folder).iterdir())
            except (FileNotFoundError, NotADirectoryError):
                found = frozenset()
            self._entries[folder] = found
        return name in self._entries[folder]


def locate(
    root: Path, names: Sequence[str], *, places: Sequence[str], endings: Sequence[str], what: str
) -> list[Path]:
    """Finds where a data set has its videos, by the first place that has one of them.

    Args:
        root: The data folder.
        names: Of the videos, as the annotation gives them.
        places: Folders below `root` to look in; "." is `root`.
        endings: To try after a name; "" for the name itself, and for a folder of frames.
        what: The data set's name, for the message.

    Returns:
        One path for each name. Single ones may not exist: reading them says so.

    Raises:
        DataError: None of the videos is there.
    """
    folders = Folders()
    for place in places:
        prefix = (root / place).as_posix()
        if not folders.has(prefix) and place != ".":
            continue
        for ending in endings:
            if any(folders.has(f"{prefix}/{name}{ending}") for name in names):
                return [Path(f"{prefix}/{name}{ending}") for name in names]
    looked_in = ", ".join(place for place in places if place != ".")
    example = "" if Path(names[0]).suffix else next((ending for ending in endings if ending), "")
    raise DataError(
        f"None of the {len(names)} videos of {what} is under {root}. Looked for folders of frames "
        f"or video files such as {names[0]}{example} in it and in its folders {looked_in}."
    )
