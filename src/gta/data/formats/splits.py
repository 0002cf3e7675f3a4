"""Which lines of an annotation are of a split: by a word, or by columns such as is_train."""

import re
from collections.abc import Callable, Mapping, Sequence

from gta.data.records import Split
from gta.errors import DataError

SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_OF_FLAGS = ("train", "training", "val", "validation", "test", "testing")
"""Without "valid", which may say that a video is sound."""
_YES_NO = {
    **dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "f", "n", "0", "0.0", ""), False),
}


def flag_of(header: str) -> tuple[Split, bool] | None:
    """The split that a column says yes or no to, and whether it begins with "is"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", header)  # isTrain
    words = re.sub(r"[\W_]+", " ", apart).lower().split()
    left = [word for word in words if word not in ("is", "in", "for", "set", "split", "flag")]
    if len(left) != 1:
        return None
    bare = left[0].removeprefix("is")  # istrain
    if bare not in _OF_FLAGS:
        return None
    return SPLIT_WORDS[bare], bare != left[0] or "is" in words


def is_yes_no(text: str) -> bool:
    """Whether a cell is True, False, 1, 0, yes, no or empty."""
    return text.strip().lower() in _YES_NO


def lines_of(
    split: Split,
    place: int | None,
    flags: Mapping[Split, int],
    *,
    header: Sequence[str],
    records: Sequence[tuple[int, Sequence[str]]],
    error: Callable[[int, str], DataError],
) -> set[int] | None:
    """The lines of a split, where one file has several; None: all lines are of one split.

    Where there are none for "val", those of "test" are it.

    Args:
        split: Which.
        place: Of the column of the split, if there is such a column.
        flags: Else, places of columns such as is_train.
        header: The names of the columns.
        records: Lines by their numbers.
        error: Makes the error of a line.

    Raises:
        DataError: What a line has there is no split.
    """
    if place is not None:
        said = _by_word(place, header, records, error)
    elif flags:
        said = _by_flags(flags, header, records, error)
    else:
        return None
    if len(set(said.values())) < 2:
        return None
    wanted = {n for n, word in said.items() if SPLIT_WORDS.get(word) == split}
    if not wanted and split == "val":
        wanted = {n for n, word in said.items() if SPLIT_WORDS.get(word) == "test"}
    return wanted


def _by_word(
    place: int,
    header: Sequence[str],
    records: Sequence[tuple[int, Sequence[str]]],
    error: Callable[[int, str], DataError],
) -> dict[int, str]:
    said = {n: f[place].strip().lower() if place < len(f) else "" for n, f in records}
    words = sorted(set(said.values()))
    odd = [word for word in words if word not in SPLIT_WORDS]
    if odd and len(words) > 1:
        number = next(n for n, word in said.items() if word in odd)
        shown = ", ".join(map(repr, words[:5])) + (" ..." if len(words) > 5 else "")
        raise error(
            number,
            f"has {said[number]!r} as its split; it is train, val or test. Column "
            f"{header[place]!r} has {shown}: write train, val or test there, or, if it is not the "
            f"split, give it another name.",
        )
    return said


def _by_flags(
    flags: Mapping[Split, int],
    header: Sequence[str],
    records: Sequence[tuple[int, Sequence[str]]],
    error: Callable[[int, str], DataError],
) -> dict[int, str]:
    """What no column claims is of the first of train, val and test that has no column."""
    every: tuple[Split, ...] = ("train", "val", "test")
    rest = next((split for split in every if split not in flags), "none")
    said = dict[int, str]()
    for number, fields in records:
        of = list[Split]()
        for flag, place in flags.items():
            cell = fields[place].strip().lower() if place < len(fields) else ""
            if cell not in _YES_NO:
                raise error(
                    number,
                    f"has {cell!r} in column {header[place]!r}; it is True or False, or 1 or 0.",
                )
            of += [flag] if _YES_NO[cell] else []
        if len(of) > 1:
            raise error(number, f"is of several splits, {' and '.join(of)}: leave one.")
        said[number] = of[0] if of else rest
    return said
