"""How a text file separates its columns: decided once for the file, from all of its lines."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gta.data.formats.disk import has_video_ending
from gta.data.formats.folder import VIDEO_SUFFIXES
from gta.errors import DataError

Lines = Sequence[tuple[int, str]]
"""Lines with their numbers from 1."""

_NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas", "": "nothing (one column)", " ": "spaces"}
_SAMPLED = 500
_SINGLE = re.compile(r"(?:^|[\t;, ])'[^']*'(?=[\t;, ]|$)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A delimiter and a quotation mark; doubled inside of quotes, it stands for itself."""

    delimiter: str
    """A tab, semicolon or comma; a space: any run of spaces and tabs; empty: one column."""
    quote: str = '"'

    def __str__(self) -> str:
        quoted = "" if self.quote == '"' else ", in single quotes"
        return f"{_NAMES[self.delimiter]}{quoted}"

    def records(self, lines: Lines, file: Path) -> Iterator[tuple[int, list[str]]]:
        """The fields of each record, with the number of its first line.

        Raises:
            DataError: A quotation mark is not closed, or something follows it in its field.
        """
        if self.delimiter in ("", " "):
            for number, line in lines:
                yield number, self._words(line, f"{file}, line {number}")
            return
        after = re.compile(f"{self.quote}[ \\t]+(?={re.escape(self.delimiter)})")
        numbers = [number for number, _ in lines]
        # spaces between a quotation mark and the delimiter belong to neither
        texts = (after.sub(self.quote, line) + "\n" for _, line in lines)
        reader, begun = self._reader(texts), 0
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _unclosed(f"{file}, line {numbers[begun]}", self.quote) from error
            yield numbers[begun], [field.strip() for field in fields]
            begun = reader.line_num

    def fields(self, line: str) -> list[str]:
        """The fields of one line as they are, quotation marks that do not match included."""
        try:
            return next(iter(self.records([(0, line)], Path())))[1]
        except DataError:
            return line.split(self.delimiter or "\n")

    def _words(self, line: str, where: str) -> list[str]:
        if not self.delimiter:
            whole = len(line) > 1 and line[0] == line[-1] == self.quote
            return [line[1:-1].replace(self.quote * 2, self.quote) if whole else line]
        path, rest = _path_first(line)
        if path is not None and not path.startswith(self.quote):
            return [path, *self._words(rest, where)] if rest else [path]
        if line.startswith(self.quote) or f" {self.quote}" in line:
            try:
                words = next(self._reader([line.replace("\t", " ")]))
            except csv.Error as error:
                raise _unclosed(where, self.quote) from error
            return [word for word in words if word]
        return re.split(r"[ \t]+", line)

    def _reader(self, lines):
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            skipinitialspace=self.delimiter != "\t",
            strict=True,
        )


def _unclosed(where: str, quote: str) -> DataError:
    return DataError(
        f"{where}: a quotation mark ({quote}) is not closed, or stands inside of a field that "
        f"begins with one. Close it, or double it inside of quotes."
    )


_ENDING = "|".join(re.escape(suffix) for suffix in VIDEO_SUFFIXES)
_PATH_FIRST = re.compile(rf"(.*(?:{_ENDING}))[ \t]+(.*)", re.IGNORECASE)


def _path_first(line: str) -> tuple[str | None, str]:
    """A path that its ending tells, though it may have spaces, and what follows it."""
    match = _PATH_FIRST.fullmatch(line)
    if match:
        return match[1], match[2]
    return (line, "") if has_video_ending(line) else (None, line)


def decide(lines: Lines, is_video: Callable[[str], bool] = lambda name: False) -> Dialect:
    """The dialect in which most lines make sense as videos and labels.

    A line makes sense where it has two fields or more, one of them the name of a video by its
    ending or because it is on the disk, and another a number. Of dialects in which as many do, the
    order is tab, semicolon, comma, one column, spaces.

    Args:
        lines: Of the file, without comments.
        is_video: Whether a name is that of a video on the disk.
    """
    sample = lines[:: -(-len(lines) // _SAMPLED)] if lines else []
    sample = [line for _, line in sample]
    body = sample[1:] or sample
    in_single = body and all(_SINGLE.search(line) and '"' not in line for line in body)
    quote = "'" if in_single else '"'

    def sense(dialect: Dialect) -> int:
        total = 0
        for line in sample:
            fields = dialect.fields(line)
            if dialect.delimiter == "":
                total += strength(fields[0], is_video)
            elif len(fields) > 1:
                total += 1 if dialect.delimiter == " " else 2  # a space may be in any name
                total += max(strength(name, is_video) for name in _names(dialect, fields))
                total += any(field.removeprefix("-").isdecimal() for field in fields[1:])
        return total

    scores = {dialect: sense(dialect) for dialect in (Dialect(mark, quote) for mark in _NAMES)}
    best = max(scores, key=lambda dialect: scores[dialect])
    return best if scores[best] else Dialect("", quote)


def _names(dialect: Dialect, fields: list[str]) -> list[str]:
    """What could be the name of the video: any field, or the first words."""
    if dialect.delimiter != " ":
        return [field for field in fields if field] or [""]
    return [" ".join(fields[:i]) for i in range(1, len(fields))]


def strength(name: str, is_video: Callable[[str], bool]) -> int:
    """How sure it is that this names a video: by its ending, by being on the disk, or both."""
    return has_video_ending(name) + is_video(name)
