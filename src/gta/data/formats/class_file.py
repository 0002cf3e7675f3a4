"""Files of class names: a name a line, with or without its number, or a JSON mapping."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gta.data.formats.columns import is_number, plain, whole
from gta.data.formats.dialect import Dialect
from gta.data.formats.disk import has_video_ending
from gta.data.formats.text import first_twice, read_json, read_lines
from gta.errors import DataError

_FIRST = ("classes.txt", "labels.txt", "label_map.txt", "category.txt", "classInd.txt")
_STEMS = ("classes", "labels", "label_map", "category", "categories", "class_names", "classInd")
_THEN = tuple(
    f"{stem}{ending}"
    for ending in (".txt", ".csv", ".tsv", ".json")
    for stem in (*_STEMS, "class_to_idx", "class_index")
    if f"{stem}{ending}" not in _FIRST
)
_NUMBER_FIRST = re.compile(r"(-?\d+)(?:[ \t]*[,;:\t][ \t]*|[ \t]+)(.*\S)")
_NUMBER_LAST = re.compile(r"(.*\S)(?:[ \t]*[,;:\t][ \t]*|[ \t]+)(-?\d+)")
_NAME_WORDS = ("class", "classes", "label", "labels", "name", "names", "category", "categories")
_NAME_WORDS += ("classname", "labelname", "categoryname", "classnames", "actionclass")
_ID_WORDS = ("id", "index", "idx", "number", "classid", "labelid", "classidx", "categoryid", "num")
_ID_WORDS += ("labelidx", "labelindex", "classindex", "label", "target")


@dataclass(frozen=True, slots=True)
class ClassFile:
    """Names in the order of their numbers."""

    file: Path
    names: list[str]
    ids: list[int] | None = None
    """The number of each, ascending, where the file has them."""


def find_class_file(folders: Sequence[Path]) -> tuple[ClassFile | None, tuple[str, ...]]:
    """The file of class names in some folders, by the names that are usual; None: there is none.

    Returns:
        The file, and what a person may want to know of it.

    Raises:
        DataError: It makes no sense.
    """
    notes = list[str]()
    for names in (_FIRST, _THEN):
        for file in (folder / name for folder in dict.fromkeys(folders) for name in names):
            if not file.is_file():
                continue
            if _lists_videos(file):
                notes.append(f"{file.name} is a list of videos, not of classes: not used")
                continue
            return read_class_file(file), (*notes, f"Class names are those of {file.name}")
    return None, tuple(notes)


def _lists_videos(file: Path) -> bool:
    if file.suffix == ".json":
        content = read_json(file)
        return _pairs(content) is None and not _is_names(content)
    lines = [line for _, line in read_lines(file)]
    named = [any(map(has_video_ending, re.split(r"[ \t,;]+", line))) for line in lines]
    return sum(named) > len(lines) / 2


def read_class_file(file: Path) -> ClassFile:
    """The classes of a file, sorted by their numbers where it has them.

    Raises:
        DataError: There is none, a name or number is there twice, or what is a number cannot be
            told.
    """
    pairs, notes = _read_json(file) if file.suffix == ".json" else _read_text(file)
    if pairs is None:
        lines = notes
        return ClassFile(file, class_names(lines, file))
    pairs = sorted(pairs)
    ids = [number for number, _ in pairs]
    twice = first_twice(ids)
    if twice is not None:
        raise DataError(f"{file} has the number {twice} twice.")
    return ClassFile(file, class_names((name for _, name in pairs), file), ids)


def class_names(names: Iterable[str], file: Path) -> list[str]:
    """The classes of a labels file, in its order.

    Raises:
        DataError: None, or a class twice.
    """
    classes = list(names)
    twice = first_twice(classes)
    if not classes or twice is not None:
        what = "has no classes" if not classes else f"has the class {twice!r} twice"
        raise DataError(f"{file} {what}.")
    return classes


Pairs = list[tuple[int, str]]


def _read_json(file: Path) -> tuple[Pairs | None, list[str]]:
    content = read_json(file)
    pairs = _pairs(content)
    if pairs is not None:
        return pairs, []
    if _is_names(content):
        return None, content
    raise DataError(f'{file}: expected {{"class name": 0, ...}} or ["class name", ...].')


def _is_names(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(name, str) for name in content)


def _pairs(content: Any) -> Pairs | None:
    """Numbers and names of a JSON mapping, whichever is the key, or of a list of objects."""
    if isinstance(content, list) and content and all(isinstance(entry, dict) for entry in content):
        content = {
            str(entry.get("name", entry.get("label"))): entry.get("id", entry.get("index"))
            for entry in content
        }
    if not isinstance(content, dict) or not content:
        return None
    keys, values = list(content), [str(value) for value in content.values()]
    if any(isinstance(value, dict | list | bool | None) for value in content.values()):
        return None
    for numbers, names in ((values, keys), (keys, values)):
        if all(is_number(number) for number in numbers):
            return [(whole(n), name) for n, name in zip(numbers, names, strict=True)]
    return None


def _read_text(file: Path) -> tuple[Pairs | None, list[str]]:
    lines = [(n, line) for n, line in read_lines(file) if not re.match(r"#(\s|$)", line)]
    texts = [line for _, line in lines]
    if not texts:
        return None, []
    table = _table(file, lines)
    if table is not None:
        return table, []
    for skipped in (0, 1):  # a header
        body = texts[skipped:]
        if skipped and not (body and _is_header(texts[0])):
            break
        for pattern, number, name in ((_NUMBER_FIRST, 1, 2), (_NUMBER_LAST, 2, 1)):
            matches = [pattern.fullmatch(line) for line in body]
            pairs = [(int(m[number]), _unquoted(m[name])) for m in matches if m]
            if len(pairs) < len(body) or len({name for _, name in pairs}) < len(pairs):
                continue
            numbers = sorted(n for n, _ in pairs)
            if numbers in (_count(0, pairs), _count(1, pairs)) or file.name == "classInd.txt":
                return pairs, []
            if number == 1:
                raise DataError(
                    f"{file}: its lines begin with numbers that are not those from 0 or 1 on. If "
                    f"they are the labels, write `number,name` lines, with `id,name` as the first; "
                    f"if they are part of the names, write `name` as the first line."
                )
    names = texts[1:] if len(texts) > 1 and plain(texts[0]) in _NAME_WORDS else texts
    return None, [_unquoted(name) for name in names]


def _table(file: Path, lines: Sequence[tuple[int, str]]) -> Pairs | None:
    """Numbers and names of a table that has them in two of its columns."""
    for mark in "\t;,":
        try:
            rows = [fields for _, fields in Dialect(mark).records(lines, file)]
        except DataError:
            continue
        head, body = [plain(word) for word in rows[0]], rows[1:]
        if len(head) < 2 or not body or any(len(row) != len(head) for row in body):
            continue
        ids = [i for i, w in enumerate(head) if w in _ID_WORDS and _all_numbers(body, i)]
        names = [i for i, w in enumerate(head) if w in _NAME_WORDS and i not in ids]
        if ids and names and not is_number(rows[0][ids[0]]):
            return [(whole(row[ids[0]]), row[names[0]]) for row in body]
        if len(head) == 2:
            for i in (0, 1):
                if _all_numbers(rows, i) and not _all_numbers(rows, 1 - i):
                    return [(whole(row[i]), row[1 - i]) for row in rows]
                if _all_numbers(body, i) and not is_number(rows[0][i]):
                    return [(whole(row[i]), row[1 - i]) for row in body]
        elif any(_all_numbers(rows, i) for i in range(len(head))):
            raise DataError(
                f"{file} has {len(head)} columns; which are number and name is unclear. "
                f"Write `number,name` lines, with `id,name` as the first."
            )
    return None


def _count(first: int, pairs: Pairs) -> list[int]:
    return list(range(first, first + len(pairs)))


def _all_numbers(rows: Sequence[Sequence[str]], i: int) -> bool:
    return all(is_number(row[i]) for row in rows)


def _is_header(line: str) -> bool:
    words = [plain(word) for word in re.split(r"[ \t,;:]+", line)]
    return (
        len(words) == 2
        and any(w in _ID_WORDS for w in words)
        and any(w in _NAME_WORDS for w in words)
    )


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name[0] == name[-1] == '"'
    return name[1:-1].replace('""', '"') if quoted else name
