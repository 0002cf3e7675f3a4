"""The log beside a results file: when each run began, how its loss went, and how it ended.

A line is the time (UTC), the run (`run_id` of the record's "run") and what happened. The record of
a run is written from the same figures, so the two must agree; a test reads both.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.results import key

Say = Callable[[str], None]
"""Takes what a run has to say of itself."""
Log = Callable[[str, str], None]
"""Takes the `run_id`, and what that run says."""


def run_id(identity: dict[str, Any]) -> str:
    """16 digits for what a run is."""
    return hashlib.sha256(key(identity).encode()).hexdigest()[:16]


def log_file(results: Path) -> Path:
    """The log of a results file."""
    return results.with_suffix(".log")


def log_to(path: Path, begins: str = "") -> Log:
    """Adds lines to a log; `begins` goes with each beginning of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def log(run: str, words: str) -> None:
        words += begins if words.startswith("begins") else ""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{now} {run} {words}\n")

    return log


def read_log(path: Path) -> dict[str, list[list[str]]]:
    """What each run has said, each time that it was begun, without the times."""
    said: dict[str, list[list[str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        _, run, words = line.split(" ", 2)
        if words.startswith("begins"):
            said.setdefault(run, []).append([])
        said[run][-1].append(words)
    return said
