"""Text of annotation files: its encoding, its lines, JSON, and what is there twice.

A mistake is told with its place.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from gta.errors import DataError

Value = TypeVar("Value")

_MARKS = (  # UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_LARGEST = 2**30
"""Bytes; the annotation of Kinetics-700 has a twentieth of it."""
_LONGEST = 100_000
"""Characters of a line."""


def read_text(file: Path) -> str:
    """The text of a file; UTF-8, or what its byte order mark says. Lines end in a line feed.

    Raises:
        DataError: It cannot be read, is too large, or is in another encoding.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error
    if len(content) > _LARGEST:
        raise DataError(f"{file} has more than {_LARGEST // 2**20} MiB: it is no annotation.")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise DataError(
            f"{file} is not text: line {line} has a zero byte. If it is UTF-16 without a byte "
            f"order mark, save it as UTF-8 (in an editor, or with iconv -f UTF-16LE -t UTF-8)."
        )
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file} is not UTF-8 text. Line {line} has a byte that it cannot have; save the file "
            f"as UTF-8 (in an editor, or with iconv -f LATIN1 -t UTF-8)."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(file: Path) -> list[tuple[int, str]]:
    """Lines with their numbers from 1, stripped, without empty lines."""
    lines = ((n, line.strip(" \t\ufeff")) for n, line in enumerate(read_text(file).split("\n"), 1))
    kept = [(number, line) for number, line in lines if line and not line.isspace()]
    long = next((number for number, line in kept if len(line) > _LONGEST), None)
    if long is not None:
        raise DataError(f"{file}, line {long} has more than {_LONGEST:,} characters.")
    return kept


def read_json(file: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: It is not JSON, or an object has a key twice.
    """
    try:
        return json.loads(read_text(file), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON: {error}.") from error
    except _TwiceError as error:
        raise DataError(f"{file} has the key {str(error)!r} twice in one object.") from error
    except RecursionError as error:
        raise DataError(f"{file} is nested too deeply to be an annotation.") from error
    except ValueError as error:  # Python makes no number of more than 4300 digits
        raise DataError(f"{file} has a number of too many digits to be an annotation.") from error


class _TwiceError(ValueError):
    """A key is there twice; JSON readers keep the last in silence."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen = set[str]()
        raise _TwiceError(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return result


def first_twice(values: Iterable[Value]) -> Value | None:
    """The first value that was there before, in a time that does not grow with its square."""
    seen = set[Value]()
    return next((value for value in values if value in seen or seen.add(value)), None)


def once(
    rows: Sequence[Value],
    *,
    key: Callable[[Value], str],
    label: Callable[[Value], object],
    where: Callable[[Value], str],
    file: Path,
    what: str,
    thing: str = "id",
    rest: Callable[[Value], Mapping[str, str]] | None = None,
) -> tuple[list[Value], tuple[str, ...]]:
    """Each video once; a line that repeats another with the same label is skipped, with a note.

    Args:
        rows: Of the annotation, in its order.
        key: The same for the same video.
        label: Its class as the annotation has it.
        where: The place of a row, as "line 3".
        file: For the message.
        what: The annotation's name in the note.
        thing: What the key is, for the message.
        rest: What else stands in a row, by column: of a line that repeats another it is the same.

    Raises:
        DataError: There are none, or a video has two labels, or lines of one label that differ.
    """
    seen, twice = dict[str, Value](), list[Value]()
    for row in rows:
        first = seen.setdefault(key(row), row)
        if first is row:
            continue
        other = _other(rest(first), rest(row)) if rest is not None else None
        if other is None and label(first) == label(row):
            twice.append(row)
            continue
        differ = f"with the labels {label(first)!r} and {label(row)!r}. "
        way = "A video has one label: remove a line."
        if other is not None:
            differ = differ if label(first) != label(row) else f"with another {other}. "
            way = (
                "If they are several parts of one video, they cannot be read from a list: cut "
                "them into files of their own. If not, leave one line."
            )
        raise DataError(
            f"{file}, {where(row)}: {thing} {key(row)!r} is there twice, first at "
            f"{where(first)}, {differ}{way}"
        )
    if not seen:
        raise DataError(f"{file} lists no videos.")
    if not twice:
        return [*seen.values()], ()
    count = "a line repeats" if len(twice) == 1 else f"{len(twice)} lines repeat"
    return [*seen.values()], (
        f"{what}: {count} a video with its label, counted once (first: {where(twice[0])})",
    )


def _other(first: Mapping[str, str], second: Mapping[str, str]) -> str | None:
    """In what two rows differ, with what they have; None: in nothing."""
    names = [name for name in {**first, **second} if first.get(name, "") != second.get(name, "")]
    if not names:
        return None
    name = names[0]
    return f"{name!r} ({first.get(name, '')!r} and {second.get(name, '')!r})"
