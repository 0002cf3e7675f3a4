"""An annotation as a table: its records, with paths in one piece, and its header if it has any."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gta.data.formats.columns import is_number, role_of
from gta.data.formats.dialect import Dialect, decide, strength
from gta.data.formats.disk import Finder, has_video_ending
from gta.data.formats.text import read_lines
from gta.errors import DataError

_LOOKED_AT = 20
"""Lines that tell whether all are alike."""


@dataclass
class Table:
    """Records of a file, with what is needed to say where a mistake is."""

    file: Path
    dialect: Dialect
    lines: dict[int, str]
    """By their numbers."""
    records: list[tuple[int, list[str]]]
    """The fields of each, with the number of its line."""
    header: list[str] | None = None
    header_line: int = 0
    said: list[str] = field(default_factory=list)
    """How it was read."""

    def error(self, number: int, text: str) -> DataError:
        """What is wrong with a line."""
        return DataError(f"{self.file}, line {number}: {self.lines[number]!r} {text}")


def open_table(file: Path, finder: Finder, classes: Sequence[str] = ()) -> Table:
    """Reads the records of a file.

    Args:
        file: A list of videos.
        finder: Finds videos on the disk, which tells names from labels and from comments.
        classes: Names of classes, some of which may have spaces.

    Raises:
        DataError: Quotation marks do not match, or the first line may be a header or not.
    """
    table = _split(file, finder)
    _merge_paths(table, finder, classes)
    _take_header(table, finder)
    if not table.records:
        raise DataError(f"{file} lists no videos.")
    return table


def _split(file: Path, finder: Finder) -> Table:
    lines = read_lines(file)
    if lines and re.fullmatch("sep=.", lines[0][1], re.IGNORECASE):
        lines = lines[1:]  # for a table program
    marked = [(number, line) for number, line in lines if line.startswith("#")]
    plain = [(number, line) for number, line in lines if not line.startswith("#")]
    dialect = decide(plain or marked, finder.has)
    names = {n for n, line in marked if _names_a_video(dialect.fields(line)[0], finder)}
    kept = [(n, line) for n, line in lines if not line.startswith("#") or n in names]
    if dialect.delimiter == "" and kept and _label_first(kept[0][1].split()):
        dialect = Dialect(" ", dialect.quote)
    table = Table(file, dialect, dict(lines), [])
    table.said.append(f"columns are separated by {dialect}")
    comments = [line for number, line in marked if number not in names]
    if comments:
        table.said.append(f"comments (#) left out: {len(comments)}")
        words = dialect.fields(comments[0].lstrip("# "))
        if lines[0][1] == comments[0] and _known(words):
            table.header, table.header_line = words, lines[0][0]
    if dialect.delimiter == " " and kept and _label_first(kept[0][1].split()):
        table.header, table.header_line = ["path", "label"], kept[0][0]
        apart = ((number, line.split(maxsplit=1)[::-1]) for number, line in kept[1:])
        table.records = list(apart)
        return table
    table.records = [
        (number, fields) for number, fields in dialect.records(kept, file) if any(fields)
    ]
    return table


def _label_first(words: Sequence[str]) -> bool:
    """Whether these are the headers `label path`."""
    return len(words) == 2 and _known(words) and role_of(words[0]) == "label"


def _names_a_video(name: str, finder: Finder) -> bool:
    """Whether a line that begins with # names a video, rather than being a comment."""
    bare = name.lstrip("#")
    return bool(bare) and not bare[0].isspace() and finder.has(name) and not finder.has(bare)


def _known(words: Sequence[str]) -> bool:
    """Whether these are headers of a path and of a label."""
    roles = {role_of(word) for word in words}
    return "label" in roles and bool(roles & {"path", "name"})


def _merge_paths(table: Table, finder: Finder, classes: Sequence[str]) -> None:
    """Puts paths together again that have the delimiter in them, and labels of several words."""
    mark, records = table.dialect.delimiter, table.records
    if not records or not mark:
        return
    if mark == " ":
        if not _all_alike(records, finder) and not _as_headed(records):
            for i, (number, fields) in enumerate(records):
                records[i] = (number, _words(fields, table.lines[number], finder, classes))
        return
    widths = Counter(len(filled(fields)) for _, fields in records)
    usual = min(w for w, count in widths.items() if count == max(widths.values()))
    sample = records[1 : _LOOKED_AT + 1] or records
    merged = [_merged(table, number, fields, finder) for number, fields in sample]
    all_have_it = not _known(records[0][1]) and sum(map(bool, merged)) > len(merged) / 2
    for i, (number, fields) in enumerate(records):
        if all_have_it or len(filled(fields)) > usual:
            records[i] = (number, _merged(table, number, fields, finder) or fields)


def _merged(table: Table, number: int, fields: list[str], finder: Finder) -> list[str] | None:
    """The fields of a line whose path has the delimiter in it and no quotation marks."""
    mark, line = table.dialect.delimiter, table.lines[number]
    if len(filled(fields)) <= 2 or table.dialect.quote in line or strength(fields[0], finder.has):
        return None
    ends = [at for at, letter in enumerate(line) if letter == mark]
    for at in reversed(ends[1:]):
        path = line[:at].strip()
        if finder.has(path):
            return [path, *table.dialect.fields(line[at + 1 :])]
    endings = [at for at in ends[1:] if has_video_ending(line[:at].strip())]
    if len(endings) == 1 and not any(has_video_ending(field) for field in fields[2:]):
        return [line[: endings[0]].strip(), *table.dialect.fields(line[endings[0] + 1 :])]
    return None


def _all_alike(records: Sequence[tuple[int, list[str]]], finder: Finder) -> bool:
    """Whether all lines but a header are a word and one or two numbers: no path has spaces."""
    has_header = len(records) > 1 and not is_number(records[0][1][-1])
    body = [fields for _, fields in records[has_header:]]
    width = len(body[0])
    if width not in (2, 3) or not all(
        len(fields) == width and all(map(is_number, fields[1:])) for fields in body
    ):
        return False
    return all(
        finder.has(fields[0]) or not finder.has(" ".join(fields[:-1]))
        for fields in body[:_LOOKED_AT]
    )


def _as_headed(records: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether a header has a path, a label and more, and all lines a word for each."""
    header = records[0][1]
    roles = [role_of(word) for word in header]
    path = next((i for i, role in enumerate(roles) if role in ("path", "name")), None)
    return (
        len(header) > 2
        and path is not None
        and len([role for role in roles if role in ("path", "name")]) == 1
        and "label" in roles
        and all(len(fields) == len(header) for _, fields in records)
        and all(has_video_ending(fields[path]) for _, fields in records[1:])
    )


def _words(fields: list[str], line: str, finder: Finder, classes: Sequence[str]) -> list[str]:
    """The path, and the label or numbers, of a line of words."""
    if len(fields) <= 2 or '"' in line:
        return fields
    if has_video_ending(fields[0]) and line.startswith(fields[0]):
        rest = fields[1:]
        return fields if all(map(is_number, rest)) else [fields[0], " ".join(rest)]
    named = [name for name in classes if line.endswith((f" {name}", f"\t{name}"))]
    if named and not is_number(fields[-1]):
        name = max(named, key=len)
        return [line.removesuffix(name).strip(), name]
    numbers = 0
    while numbers < len(fields) - 1 and is_number(fields[-1 - numbers]):
        numbers += 1
    for i in range(len(fields) - 1, 0, -1):
        path = " ".join(fields[:i])
        if finder.has(path):
            rest = fields[i:]
            return [path, *rest] if all(map(is_number, rest)) else [path, " ".join(rest)]
    numbers = max(1, min(numbers, 2))
    return [" ".join(fields[:-numbers]), *fields[-numbers:]]


def filled(fields: Sequence[str]) -> list[str]:
    """Fields without empty fields at the end."""
    end = len(fields)
    while end > 0 and not fields[end - 1]:
        end -= 1
    return list(fields[:end])


def _take_header(table: Table, finder: Finder) -> None:
    """Takes the first line away if it is a header."""
    if table.header is not None or not table.records:
        return
    (number, first), body = table.records[0], [fields for _, fields in table.records[1:]][:200]
    first = table.dialect.fields(table.lines[number]) if table.dialect.delimiter else first
    if _known(first) or _is_header(table, number, first, body, finder):
        table.header, table.header_line = first, number
        table.records = table.records[1:]


def _is_header(
    table: Table, number: int, first: list[str], body: list[list[str]], finder: Finder
) -> bool:
    """Whether the first line has words where the others have videos and numbers."""
    body = [fields for fields in body if len(fields) == len(first)]
    if not body or any(strength(name, finder.has) for name in first if name):
        return False
    pairs = list(zip(first, zip(*body, strict=True), strict=True))
    if any(
        word in column or (is_number(word) and all(map(is_number, column)))
        for word, column in pairs
    ):
        return False  # it has what the others have
    known = any(role_of(word) for word in first)
    videos = any(all(map(has_video_ending, column)) for _, column in pairs)
    there = any(all(map(finder.has, column[:_LOOKED_AT])) for _, column in pairs)
    numbers = any(all(map(is_number, column)) for _, column in pairs)
    if videos or (numbers and (there or known)) or (known and there):
        return True
    if numbers or (there and len(first) > 1):
        raise table.error(
            number,
            "may be a header or a video that is not there. If it is a header, name its columns "
            "path and label; if not, remove the line or correct it.",
        )
    return False
