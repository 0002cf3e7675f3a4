"""Labels that are several labels of one video (multi-label)."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from gta.data.formats.columns import is_number
from gta.errors import DataError

_CODE = re.compile(r"[A-Za-z]{1,3}\d{2,5}([ ,:]+\d+(\.\d+)?){0,2}")
"""A class by its code, perhaps with its times: c092 11.9 21.2."""
_MARKS = ("|", ",", ";", "/", " ", "+", "&")
_BRACKETED = re.compile(r"\[.*\]|\(.*\)|\{.*\}", re.DOTALL)
_QUOTED = re.compile(r"""[\[({]\s*(['"]).*\1\s*,?\s*[\])}]""", re.DOTALL)
"""A list as programs write it into a cell: ['run', 'jump']."""


def check_single(rows: Iterable[tuple[str, str]], labels: set[str], names: set[str]) -> None:
    """Looks whether each label of a list is a single label.

    Args:
        rows: Labels and their lines.
        labels: All of the list.
        names: Of classes, by a file, which are one label each whatever stands in them.

    Raises:
        DataError: A label is several, or a list.
    """
    shared = Counter(part for label in labels for part in set(_parts(label, "|;")))
    bracketed = all(map(_BRACKETED.fullmatch, labels - names))
    for label, where in rows:
        if label not in names:
            _check_list(label, where, in_all=bracketed)
            _check(label, labels, shared, where)


def _check_list(label: str, where: str, *, in_all: bool) -> None:
    """Looks whether a label is a list, of one label or more.

    Args:
        label: As it stands in the list.
        where: Its line.
        in_all: Whether all labels have brackets around them.

    Raises:
        DataError: Its parts are in quotes or numbers, or there are several and all labels have
            brackets.
    """
    if not _BRACKETED.fullmatch(label):
        return
    parts = _parts(label, ",;|")
    listed = bool(_QUOTED.fullmatch(label)) or all(map(is_number, parts))
    if len(parts) > 1 and (in_all or listed):
        raise _several(label, len(parts), where)
    if parts and listed:
        raise DataError(
            f"{where}: {label!r} is a list of one label. Write the label alone: {parts[0]}. If it "
            f"is the name of a class, list all names in a file classes.txt, a line each."
        )


def _parts(label: str, marks: str) -> list[str]:
    bare = label.strip("[](){} ")
    return [part.strip(" '\"") for part in re.split(f"[{re.escape(marks)}]", bare) if part.strip()]


def _check(label: str, labels: set[str], shared: Mapping[str, int], where: str) -> None:
    """Looks whether a label is several.

    Args:
        label: As it stands in the list.
        labels: All of the list.
        shared: How many different labels have a part, of those that | or ; separate.
        where: Its line.

    Raises:
        DataError: Its parts are numbers, codes, labels of other lines, or parts of other labels.
    """
    if label.isalnum():
        return
    every = [_parts(label, mark) for mark in _MARKS]
    for mark, parts in zip((*_MARKS, "|;"), (*every, _parts(label, "|;")), strict=True):
        several = len(parts) > 1 and (
            all(map(is_number, parts))
            or (mark != " " and all(part in labels for part in parts))
            or (mark in "|;" and any(shared[part] > 1 for part in parts))
            or (mark in "|;," and all(map(_CODE.fullmatch, parts)))
        )
        if several:
            raise _several(label, len(parts), where)


def _several(label: str, count: int, where: str) -> DataError:
    return DataError(
        f"{where}: {label!r} are {count} labels of one video (multi-label), which is not "
        f"supported: leave one. If it is the name of one class, list all names in a file "
        f"classes.txt, a line each."
    )
