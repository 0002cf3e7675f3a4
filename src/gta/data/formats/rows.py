"""The lines of a list of videos, read as a table: path, label, and what else its columns tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gta.data.formats.columns import Columns, by_header, is_nothing, is_number, numbers_lines, whole
from gta.data.formats.dialect import strength
from gta.data.formats.disk import Finder
from gta.data.formats.splits import lines_of
from gta.data.formats.table import Table, filled, open_table
from gta.data.formats.unnamed import by_content
from gta.data.records import Split
from gta.errors import DataError

NOTHING = (
    "which table programs write where there is none. Give the label, or remove the line; if it is "
    "the name of a class, list all names in a file classes.txt."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One video of an annotation."""

    where: str
    """Its line, as "line 3"."""
    name: str
    label: str | None
    """As it is written; None: there is none."""
    num_frames: int | None = None
    fps: float | None = None
    class_name: str | None = None
    """Of the class, where `label` is its number."""
    rest: tuple[tuple[str, str], ...] = ()
    """What else its line has, by column: of a line that repeats another, it is the same."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The videos of an annotation and how it was read."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


def read_table(
    file: Path,
    finder: Finder,
    split: Split,
    *,
    what: str,
    classes: Sequence[str] = (),
    label_needed: bool = True,
) -> Rows:
    """Reads a list of videos.

    Args:
        file: With a line for each video.
        finder: Finds videos on the disk, which tells names from labels.
        split: Which the list is for; a column `split` may choose among its lines.
        what: The name of the file in notes.
        classes: Names of classes, some of which may have spaces.
        label_needed: Whether a line without a label is a mistake.

    Raises:
        DataError: What the columns are is unclear, or a line makes no sense.
    """
    table = open_table(file, finder, classes)
    if table.header is None:
        columns = by_content(table, finder)
    else:
        columns = by_header(
            table.header,
            [fields for _, fields in table.records],
            lambda name: strength(name, finder.has),
        )
        if not isinstance(columns, str) and columns.label is None and label_needed:
            columns = "none of its columns is known to be the label"
        if isinstance(columns, str):
            raise DataError(
                f"{file}: line {table.header_line} is {_shown(table.header)}; {columns}. "
                f"Name the columns: path and label, for labels that are numbers "
                f"also class_name; num_frames, fps, split where there are such. Others may have "
                f"any other name."
            )
        table.said.append(_header_told(table.header, table.header_line, columns))
    rows = _rows(table, columns, split, frozenset(classes), label_needed=label_needed)
    return Rows(rows, (f"{what}: " + "; ".join(table.said),))


def _without_comment(table: Table, number: int, label: str) -> str:
    """A label without what follows it after a #."""
    bare, mark, _ = re.sub(r"\s+#", "\0", label, count=1).partition("\0")
    if mark and not is_number(bare):
        raise table.error(
            number,
            "has a # in its label. If a comment follows the label, remove it; if it is a name of a "
            "class, list all names in a file classes.txt.",
        )
    return bare


def _rows(
    table: Table, columns: Columns, split: Split, classes: frozenset[str], *, label_needed: bool
) -> list[Row]:
    header = table.header or []
    wanted = lines_of(
        split, columns.split, columns.flags, header=header, records=table.records, error=table.error
    )
    if wanted is not None:
        table.said.append(f"{len(wanted)} of {len(table.records)} lines are of the {split} split")
    rows, times = [], dict[str, tuple[int, str]]()
    used = (columns.path, columns.label, columns.number)
    others = [i for i, word in enumerate(header) if i not in used and not numbers_lines(word)]
    for number, fields in table.records:
        if header and len(filled(fields)) > len(header):
            raise table.error(
                number,
                f"has {len(filled(fields))} columns and the header has {len(header)}. A name with "
                f"the separator in it needs quotes.",
            )
        if header and fields == header:
            raise table.error(number, "is the header again: remove the line.")
        if wanted is not None and number not in wanted:
            continue

        def cell(place: int | None, fields: list[str] = fields) -> str:
            return fields[place] if place is not None and place < len(fields) else ""

        name, label = cell(columns.path), cell(columns.label)
        if label not in classes:
            label = _without_comment(table, number, label)
        if "\n" in name or "\n" in label:
            raise DataError(
                f"{table.file}, line {number}: a quotation mark is opened there and closed in a "
                f"later line. Close it in its line."
            )
        sep = table.dialect.delimiter or " "
        if not name or (label_needed and not label):
            raise table.error(
                number,
                f"is not `path{sep}label` or `path{sep}num_frames{sep}label`. Space, comma, "
                f"semicolon or tab separate.",
            )
        if columns.start is not None or columns.end is not None:
            time = f"{cell(columns.start)} to {cell(columns.end)}"
            first = times.setdefault(name, (number, time))
            if first[1] != time:
                raise table.error(
                    number,
                    f"is a second part of {name!r}, whose first is in line {first[0]}. Parts of "
                    f"longer videos cannot be read from a list: cut them into files of their own.",
                )
        if is_nothing(label) and label not in classes:
            if label_needed:
                raise table.error(number, f"has {label!r} as its label, {NOTHING}")
            label = ""
        number_of_class = cell(columns.number)
        count, fps = cell(columns.frames), cell(columns.fps)
        if count and not (is_number(count) and whole(count) > 0):
            raise table.error(number, f"has {count!r} where the number of frames should be.")
        rows.append(
            Row(
                f"line {number}",
                name,
                (number_of_class if columns.number is not None else label) or None,
                whole(count) if count else None,
                _rate(fps),
                label if columns.number is not None else None,
                tuple((header[i], fields[i]) for i in others if i < len(fields)),
            )
        )
    if not rows:
        raise DataError(f"{table.file} lists no videos.")
    return rows


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 < rate < 1e4 else None


def _header_told(header: Sequence[str], line: int, columns: Columns) -> str:
    used = [f"video {header[columns.path]!r}"]
    for name in ("label", "number", "frames", "fps", "split"):
        place = getattr(columns, name)
        if place is not None:
            word = {"number": "label", "frames": "number of frames"}.get(name, name)
            if name == "label" and columns.number is not None:
                word = "class name"
            used.append(f"{word} {header[place]!r}")
    if columns.split is None:
        used += [f"split {header[place]!r}" for place in columns.flags.values()]
    text = f"line {line} is a header ({', '.join(used)})"
    if columns.unused:
        text += f", not used: {', '.join(map(repr, columns.unused))}"
    return text


def _shown(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))
