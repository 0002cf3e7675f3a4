"""The output of `gta predict`: csv or JSON, printed or as a file."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gta.errors import UsageError
from gta.names import as_utf8
from gta.places import require_place

COLUMNS = ("video", "rank", "class", "score", "cut_off", "error")
ENDINGS = (".csv", ".json")


def check_ending(path: Path) -> None:
    """Checks the name of the output before hours of work.

    Raises:
        UsageError: Its ending is unknown, or its folder does not exist.
    """
    if path.suffix not in ENDINGS:
        raise UsageError(
            f"{path}: predictions are written as {' or '.join(ENDINGS)}; timelines (--timeline) "
            f"also as subtitles and for video editors"
        )
    require_place(path)


def rows_of(answers: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row for each class of each video, and a row for each video that could not be read."""
    rows = []
    for answer in answers:
        cut = answer.get("cut_off", "")
        for rank, row in enumerate(answer.get("top", ()), start=1):
            score = f"{row['score']:.9g}"
            rows.append([answer["video"], str(rank), row["class"], score, cut, ""])
        if "error" in answer:
            rows.append([answer["video"], "", "", "", "", answer["error"]])
    return rows


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as csv, with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *rows])
    return text.getvalue()


def print_csv(text: str) -> None:
    """Prints on stdout; a byte of a name that is not UTF-8 is written as in JSON."""
    sys.stdout.write(as_utf8(text))


def write_answers(path: Path, output: Mapping[str, Any]) -> None:
    """Writes what `--json` or `--csv` print, by the ending of the file."""
    import json

    from gta.files import write_text

    if path.suffix == ".csv":
        write_text(path, csv_text(COLUMNS, rows_of(output["videos"])))
    else:
        write_text(path, json.dumps(output, ensure_ascii=False, indent=1) + "\n")
