"""All lines of finished work: counted, or in one file."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gta.errors import DataError, UsageError
from gta.files import write_atomically, write_text
from gta.locks import LOCK, alone
from gta.places import require_place
from gta.predict.work import Work

_ERROR, _CUT = b'", "error": "', b', "cut_off": "'
"""In a line of JSON; within a text each quotation mark would have a backslash before it."""
_MERGED = "merged.json"


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines of all shards."""

    videos: int
    unreadable: int
    cut_off: int


def count(work: Work) -> Counts:
    """Counts the lines of all shards, which must be finished.

    Raises:
        DataError: A shard has another number of lines than it has videos.
    """
    videos = unreadable = cut = 0
    for content in _contents(work):
        videos += content.count(b"\n")
        unreadable += content.count(_ERROR)
        cut += content.count(_CUT)
    return Counts(videos, unreadable, cut)


def merge(work: Work, out: Path) -> None:
    """Writes the lines of all shards, in the order of the list.

    Of several processes that are asked for the same file, one process writes it.

    Args:
        work: All of it is finished.
        out: JSONL; or csv, if that is its ending: video, error, cut_off, then class and score of
            each place.

    Raises:
        UsageError: There is no such folder, or the file has another ending.
        DataError: A shard has another number of lines than it has videos.
    """
    check_out(out)
    with alone(work.folder / LOCK):
        if _stamp(out) is not None and _stamp(out) == _merged_before(work):
            return
        write_atomically(out, lambda part: _write(work, part))
        write_text(work.folder / _MERGED, json.dumps(_stamp(out)) + "\n")


def check_out(out: Path) -> None:
    """Whether a file can be written, before hours of work.

    Raises:
        UsageError: There is no such folder, or the file has another ending.
    """
    if out.suffix not in (".jsonl", ".csv"):
        raise UsageError(f"--out {out}: its ending says its form: give a .jsonl or a .csv file")
    require_place(out)


def _write(work: Work, part: Path) -> None:
    if part.suffix == ".jsonl":
        with part.open("wb") as file:
            file.writelines(_contents(work))
        return
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer, places = csv.writer(file), _places(work)
        names = (f"{what}_{place + 1}" for place in range(places) for what in ("class", "score"))
        writer.writerow(["video", "error", "cut_off", *names])
        for told in map(json.loads, _lines(work)):
            cells = [cell for row in told.get("top", ()) for cell in (row["class"], row["score"])]
            cells += [""] * (2 * places - len(cells))
            writer.writerow([told["video"], told.get("error", ""), told.get("cut_off", ""), *cells])


def _places(work: Work) -> int:
    """Classes of a line, of the first that has any."""
    tops = (json.loads(line).get("top", ()) for line in _lines(work))
    return next((len(top) for top in tops if top), 0)


def _lines(work: Work) -> Iterator[bytes]:
    for content in _contents(work):
        yield from content.splitlines()


def _contents(work: Work) -> Iterator[bytes]:
    for shard in range(work.num_shards):
        path = work.path(shard)
        content = path.read_bytes()
        expected = min(work.size, work.num_videos - shard * work.size)
        if (lines := content.count(b"\n")) != expected:
            raise DataError(
                f"{path} has {lines} lines and its shard {expected} videos: it was "
                f"changed. Remove it, and the same command makes it again."
            )
        yield content


def _stamp(out: Path) -> list[object] | None:
    try:
        status = os.stat(out)
    except OSError:
        return None
    return [str(out.absolute()), status.st_size, status.st_mtime_ns]


def _merged_before(work: Work) -> list[object] | None:
    try:
        return json.loads((work.folder / _MERGED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
