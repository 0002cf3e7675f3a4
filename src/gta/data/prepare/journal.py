"""What is done, so that the same command goes on: a line for each original."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gta.data.formats.prepared import MANIFEST, WORK
from gta.data.prepare.copies import Copy, num_bytes
from gta.data.prepare.options import Options
from gta.data.prepare.plan import Job, Places
from gta.errors import UsageError
from gta.files import write_text
from gta.locks import alone

_SETTINGS = "settings.json"
_JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of an original."""

    stamp: list[int]
    copy: Copy | None
    problem: str | None = None


class Journal:
    """Lines are appended as copies are finished; a line that was cut off is as none."""

    def __init__(self, folder: Path):
        self.entries: dict[str, Entry] = {}
        self.places: Places = {}
        """Of the copies; earlier versions did not write them down."""
        self._file = folder / WORK / _JOURNAL
        for line in self._file.read_text(encoding="utf-8").splitlines() if self.begun else ():
            try:
                row = json.loads(line)
                copy = Copy(**row["copy"]) if row["copy"] else None
                self.entries[row["name"]] = Entry(row["stamp"], copy, row["problem"])
                if "place" in row:
                    self.places[row["name"]] = (row["place"], row["key"])
            except (ValueError, KeyError, TypeError):
                continue

    @property
    def begun(self) -> bool:
        """Whether something was done before."""
        return self._file.is_file()

    def add(self, job: Job, entry: Entry) -> None:
        """Puts an original on record."""
        self.entries[job.name] = entry
        row = {"name": job.name, "place": job.place, "key": job.key} | asdict(entry)
        with self._file.open("a", encoding="utf-8") as file:
            # a line of its own, whatever a killed process left; ASCII: names need not be UTF-8
            file.write("\n" + json.dumps(row))

    def forget(self, names: Iterable[str]) -> None:
        """Takes originals for not copied."""
        for name in names:
            self.entries.pop(name, None)

    def done(self, job: Job, folder: Path, packed: bool) -> bool:
        """Whether a good copy of the original, as it is now, is there."""
        entry = self.entries.get(job.name)
        if entry is None or entry.copy is None or entry.stamp != stamp(job.source):
            return False
        return packed or num_bytes(folder / job.place) == entry.copy.bytes


def stamp(source: Path) -> list[int]:
    """Changes when a file does; of a folder of pictures, when a picture is added or removed."""
    try:
        status = source.stat()
        size = len(os.listdir(source)) if source.is_dir() else status.st_size
    except OSError:
        return []
    return [size, status.st_mtime_ns]


@contextmanager
def claimed(folder: Path, options: Options, chosen: dict[str, Any]) -> Iterator[None]:
    """Makes the folder, or goes on in it with the same settings; one process at a time.

    Raises:
        UsageError: It holds something else, was begun with other settings, or is being written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file; give a folder")
    work = folder / WORK
    if folder.is_dir() and not work.is_dir() and any(folder.iterdir()):
        what = "was prepared elsewhere" if (folder / MANIFEST).exists() else "holds other files"
        raise UsageError(f"--out {folder} {what}; give a new folder")
    work.mkdir(parents=True, exist_ok=True)
    with alone(work / ".lock", f"{folder} is being prepared by another process; wait for it"):
        now = json.loads(json.dumps(asdict(options) | chosen))
        file = work / _SETTINGS
        before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else now
        changed = [
            f"{name} was {before.get(name)}, now {now.get(name)}"
            for name in before.keys() | now.keys()
            if before.get(name) != now.get(name)
        ]
        if changed:
            raise UsageError(
                f"{folder} was begun with other settings: {'; '.join(sorted(changed))}. Give "
                f"another --out, or the same settings as before."
            )
        if not file.is_file():
            write_text(file, json.dumps(now, indent=1))
        yield
