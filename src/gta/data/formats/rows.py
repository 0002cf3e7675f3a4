"""The lines of a list of videos, read as a table: path, label, and what else its columns tell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gta.data.decode import count_frames
from gta.data.records import Split
from gta.errors import DataError, VideoError

from .columns import Columns, by_header, is_number, role_of, whole
from .dialect import Dialect, decide, strength
from .disk import Finder, has_video_ending
from .text import read_lines

SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_LOOKED_AT = 5
"""Folders whose pictures are counted, to tell a number of frames from a label."""


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


@dataclass(frozen=True, slots=True)
class Rows:
    """The videos of an annotation and how it was read."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


@dataclass
class _Table:
    """Records of a file, with what is needed to say where a mistake is."""

    file: Path
    dialect: Dialect
    lines: dict[int, str]
    records: list[tuple[int, list[str]]]
    header: list[str] | None = None
    said: list[str] = field(default_factory=list)

    def error(self, number: int, text: str) -> DataError:
        return DataError(f"{self.file}, line {number}: {self.lines[number]!r} {text}")


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
        DataError: What the columns are cannot be told, or a line makes no sense.
    """
    table = _open(file, finder)
    _merge_paths(table, finder, classes)
    _take_header(table, finder)
    if not table.records:
        raise DataError(f"{file} lists no videos.")
    if table.header is None:
        columns = _without_header(table, finder)
    else:
        columns = by_header(
            table.header,
            [fields for _, fields in table.records],
            lambda name: strength(name, finder.has),
        )
        if isinstance(columns, str):
            raise DataError(
                f"{file}: its first line is {_shown(table.header)}; {columns}. Name the columns: "
                f"path and label, for labels that are numbers also class_name; num_frames, fps, "
                f"split where there are such. Others may have any other name."
            )
        table.said.append(_header_told(table.header, columns))
    rows = _rows(table, columns, split, label_needed=label_needed)
    return Rows(rows, (f"{what}: " + "; ".join(table.said),))


def _open(file: Path, finder: Finder) -> _Table:
    lines = read_lines(file)
    marked = [(number, line) for number, line in lines if line.startswith("#")]
    plain = [(number, line) for number, line in lines if not line.startswith("#")]
    dialect = decide(plain or marked, finder.has)
    names = {n for n, line in marked if _names_a_video(dialect.fields(line)[0], finder)}
    kept = [(n, line) for n, line in lines if not line.startswith("#") or n in names]
    table = _Table(file, dialect, dict(lines), [])
    table.said.append(f"columns are separated by {dialect}")
    comments = [line for number, line in marked if number not in names]
    if comments:
        count = "1 line is a comment" if len(comments) == 1 else f"{len(comments)} are comments"
        table.said.append(f"{count} (#)")
        words = dialect.fields(comments[0].lstrip("# "))
        if lines[0][1] == comments[0] and _known(words):
            table.header = words
    if dialect.delimiter in ("", " ") and kept and _label_first(kept[0][1].split()):
        table.dialect, table.header = Dialect(" ", dialect.quote), ["path", "label"]
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


def _merge_paths(table: _Table, finder: Finder, classes: Sequence[str]) -> None:
    """Puts paths together again that have the delimiter in them, and labels of several words."""
    mark = table.dialect.delimiter
    if not table.records or not mark:
        return
    if mark == " ":
        if _all_alike(table, finder):
            return
        table.records = [
            (number, _words(fields, table.lines[number], finder, classes))
            for number, fields in table.records
        ]
        return
    usual = Counter(len(_filled(fields)) for _, fields in table.records).most_common(1)[0][0]
    for i, (number, fields) in enumerate(table.records):
        if len(_filled(fields)) <= 2 or strength(fields[0], finder.has):
            continue
        line = table.lines[number]
        ends = [at for at, letter in enumerate(line) if letter == mark]
        for at in reversed(ends):
            path = line[:at].strip()
            odd = has_video_ending(path) and len(fields) != usual
            if mark in path and '"' not in path and (odd or finder.has(path)):
                rest = table.dialect.fields(line[at + 1 :])
                table.records[i] = (number, [path, *rest])
                break


def _all_alike(table: _Table, finder: Finder) -> bool:
    """Whether all lines are a word and one or two numbers, so that no path has spaces."""
    records = [fields for _, fields in table.records]
    width = len(records[0])
    if width not in (2, 3) or not all(
        len(fields) == width and all(map(is_number, fields[1:])) for fields in records
    ):
        return False
    first = records[0]
    return finder.has(first[0]) or not finder.has(" ".join(first[:-1]))


def _words(fields: list[str], line: str, finder: Finder, classes: Sequence[str]) -> list[str]:
    """The path, and the label or numbers, of a line of words."""
    if len(fields) < 2 or '"' in line:
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


def _filled(fields: Sequence[str]) -> list[str]:
    """Fields without the empty ones at the end."""
    end = len(fields)
    while end > 0 and not fields[end - 1]:
        end -= 1
    return list(fields[:end])


def _take_header(table: _Table, finder: Finder) -> None:
    """Takes the first line away if it is a header."""
    if table.header is not None or not table.records:
        return
    (number, first), body = table.records[0], [fields for _, fields in table.records[1:]][:200]
    first = table.dialect.fields(table.lines[number]) if table.dialect.delimiter else first
    if _known(first) or _is_header(table, number, first, body, finder):
        table.header = first
        table.records = table.records[1:]


def _is_header(
    table: _Table, number: int, first: list[str], body: list[list[str]], finder: Finder
) -> bool:
    """Whether the first line has words where the others have videos and numbers."""
    body = [fields for fields in body if len(fields) == len(first)]
    if not body or any(strength(name, finder.has) for name in first if name):
        return False
    known = any(role_of(word) for word in first)
    columns = list(zip(*body, strict=True))
    videos = any(all(has_video_ending(cell) for cell in column) for column in columns)
    there = any(all(finder.has(cell) for cell in column[:20]) for column in columns)
    numbers = any(
        all(map(is_number, column)) and not is_number(word)
        for word, column in zip(first, columns, strict=True)
    )
    if videos or (numbers and (there or known)) or (known and there):
        return True
    if numbers or (there and len(first) > 1):
        raise table.error(
            number,
            "may be a header or a video that is not there. If it is a header, name its columns "
            "path and label; if not, remove the line or mend it.",
        )
    return False


def _without_header(table: _Table, finder: Finder) -> Columns:
    """What two or three columns are by what stands in them; more cannot be told."""
    records = [(number, _filled(fields)) for number, fields in table.records]
    if len({len(fields) for _, fields in records}) > 1 and table.dialect.delimiter == "\t":
        records = [(number, [f for f in fields if f]) for number, fields in records]  # runs of tabs
    table.records = records
    width = max(len(fields) for _, fields in records)
    if width == 1:
        return Columns(0)
    two = [fields for _, fields in records if len(fields) == 2]
    if len(two) == len(records) and table.dialect.delimiter != " ":
        sample = two[:200]
        first, second = (sum(strength(f[i], finder.has) for f in sample) for i in (0, 1))
        if second > first:
            table.said.append("the second column is the video")
            return Columns(1, 0)
    if width == 2:
        return Columns(0, 1)
    if _counts_frames(table, finder):
        table.said.append("the second column is the number of frames")
        return Columns(0, 2, frames=1)
    usual = Counter(len(fields) for _, fields in records).most_common(1)[0][0]
    number, fields = next(r for r in records if len(r[1]) > (2 if usual <= 2 else usual - 1))
    sep = table.dialect.delimiter
    raise table.error(
        number,
        f"has {len(fields) - 1} columns after the video, and which is the label cannot be told. "
        f"Several labels of one video (multi-label) are not supported, and a video file has no "
        f"number of frames in a list. Leave one label in a line, put a name with the separator "
        f"in it into quotes, or name the columns in a first line, such as "
        f"`path{sep}num_frames{sep}label`.",
    )


def _counts_frames(table: _Table, finder: Finder) -> bool:
    """Whether the lines are `folder num_frames label`, as TSM has them."""
    records = [fields for _, fields in table.records]
    if not all(len(f) == 3 and is_number(f[1]) and whole(f[1]) > 0 for f in records):
        return False
    step = -(-len(records) // 50)
    looked_at, right = 0, False
    for name, count, _ in records[::step]:
        found = finder.first(name)
        if found is None:
            if has_video_ending(name):
                return False
            continue
        if not found.is_dir():
            return False
        if looked_at < _LOOKED_AT:
            try:
                there = count_frames(found)
            except VideoError:
                continue
            looked_at += 1
            right = right or abs(there - whole(count)) <= max(2, there // 10)
    return right or looked_at == 0


def _rows(table: _Table, columns: Columns, split: Split, *, label_needed: bool) -> list[Row]:
    header = table.header
    known = header is not None
    wanted = _wanted(table, columns, split)
    rows, times = [], dict[str, tuple[int, str]]()
    for number, fields in table.records:
        if known and len(_filled(fields)) > len(header):
            raise table.error(
                number,
                f"has {len(_filled(fields))} columns and the header has {len(header)}. A name with "
                f"the separator in it needs quotes.",
            )
        if wanted is not None and number not in wanted:
            continue

        def cell(place: int | None, fields: list[str] = fields) -> str:
            return fields[place] if place is not None and place < len(fields) else ""

        name, label = cell(columns.path), cell(columns.label)
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
                _rate(fps) if not has_video_ending(name) else None,
                label if columns.number is not None else None,
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


def _wanted(table: _Table, columns: Columns, split: Split) -> set[int] | None:
    """The lines that a column `split` gives to one; None: it does not choose."""
    if columns.split is None:
        return None
    place = columns.split
    said = {n: f[place].lower() if place < len(f) else "" for n, f in table.records}
    words = set(said.values())
    if len(words) < 2:
        return None  # all are of this list
    odd = sorted(word for word in words if word not in SPLIT_WORDS)
    if len(odd) == len(words):
        table.said.append(f"{table.header[place]!r} is not used")  # type: ignore[index]
        return None
    if odd:
        number = next(n for n, word in said.items() if word == odd[0])
        raise table.error(number, f"has {odd[0]!r} as its split; it is train, val or test.")
    wanted = {n for n, word in said.items() if SPLIT_WORDS[word] == split}
    if not wanted and split == "val":
        wanted = {n for n, word in said.items() if SPLIT_WORDS[word] == "test"}
    table.said.append(f"{len(wanted)} of {len(said)} lines are of the {split} split")
    return wanted


def _header_told(header: Sequence[str], columns: Columns) -> str:
    told = [f"video {header[columns.path]!r}"]
    for name in ("label", "number", "frames", "fps", "split"):
        place = getattr(columns, name)
        if place is not None:
            word = {"number": "label", "frames": "number of frames"}.get(name, name)
            if name == "label" and columns.number is not None:
                word = "class name"
            told.append(f"{word} {header[place]!r}")
    text = f"line 1 is a header ({', '.join(told)})"
    if columns.unused:
        text += f", not used: {', '.join(map(repr, columns.unused))}"
    return text


def _shown(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))
