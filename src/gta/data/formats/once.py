"""What an annotation has twice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gta.errors import DataError

One = TypeVar("One")


def first_twice(values: Iterable[One]) -> One | None:
    """The first value that was there before, in a time that does not grow with its square."""
    seen = set[One]()
    return next((value for value in values if value in seen or seen.add(value)), None)


def once(
    rows: Sequence[One],
    *,
    key: Callable[[One], str],
    label: Callable[[One], object],
    where: Callable[[One], str],
    file: Path,
    what: str,
    thing: str = "id",
    rest: Callable[[One], Mapping[str, str]] | None = None,
) -> tuple[list[One], tuple[str, ...]]:
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
    seen, twice = dict[str, One](), list[One]()
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
