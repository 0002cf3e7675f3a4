"""The log beside a results file: the start, the losses and the end of each run.

A line has the time (UTC), the run (`run_id` of the record's "run") and the event. The record of a
run is written from the same values, so the two must agree; a test reads both.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.results import key

Say = Callable[[str], None]
"""Takes a message of a run."""
Log = Callable[[str, str], None]
"""Takes a `run_id` and a message of that run."""


def run_id(identity: dict[str, Any]) -> str:
    """16 hexadecimal digits that identify a run."""
    return hashlib.sha256(key(identity).encode()).hexdigest()[:16]


def log_file(results: Path) -> Path:
    """The log of a results file."""
    return results.with_suffix(".log")


def log_to(path: Path, begins: str = "") -> Log:
    """A function that adds lines to a log; `begins` is added to the start of each run."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def log(run: str, words: str) -> None:
        words += begins if words.startswith("begins") else ""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{now} {run} {words}\n")

    return log


def read_log(path: Path) -> dict[str, list[list[str]]]:
    """The messages of each run, for each of its starts, without the times."""
    said: dict[str, list[list[str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        _, run, words = line.split(" ", 2)
        if words.startswith("begins"):
            said.setdefault(run, []).append([])
        said[run][-1].append(words)
    return said
