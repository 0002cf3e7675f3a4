"""The results file: a line of JSON for each finished run."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

FILE = Path(__file__).parent / "results" / "ordered.jsonl"
REAL_FILE = FILE.with_name("real.jsonl")
EARLIER_FILE = FILE.with_name("earlier.jsonl")
"""Runs from before the log, which were repeated since: not in the tables."""
AGAIN_FILE = FILE.with_name("again.jsonl")
"""Rows of Tables 2a and 2b repeated with today's trainer: only in their own table."""
TIMES_FILE = FILE.with_name("times.jsonl")
WORK = Path(__file__).parent / "work"
"""Rendered clips; not in the repository."""

Result = dict[str, Any]


LATER = {
    "shift_div": 8,
    "beta_inv": 8,
    "position_std": 0.02,
    "add_to": "qk",
    "heads": None,
    "region_grid": None,
    "causal": False,
    "causal_frames": None,
    "position_lr": None,
}
"""Settings newer than the first runs, with the values that those runs had."""


def key(identity: dict[str, Any]) -> str:
    """A key that does not depend on the order of settings."""
    return json.dumps(_as_at_first(identity), sort_keys=True)


def _as_at_first(content: Any) -> Any:
    """The content without later settings at their earlier values."""
    if isinstance(content, list):
        return [_as_at_first(item) for item in content]
    if not isinstance(content, dict):
        return content
    return {
        name: _as_at_first(value)
        for name, value in content.items()
        if name not in LATER or value != LATER[name]
    }


def read_results(path: Path = FILE) -> list[Result]:
    """All finished runs, without an incomplete last line."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    if lines[-1]:
        print(f"{path}: the last line is not whole; that run counts as not done")
    return [json.loads(line) for line in lines[:-1] if line]


def append_result(result: Result, path: Path = FILE) -> None:
    """Adds a line, after removing an incomplete last line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.write(json.dumps(result, sort_keys=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


class Identified(Protocol):
    """A job."""

    def identity(self) -> dict[str, Any]: ...


J = TypeVar("J", bound=Identified)


def unfinished(jobs: Sequence[J], path: Path) -> list[J]:
    """Jobs without a result in the file, each once, in their order."""
    done, left = by_key(read_results(path)), dict[str, J]()
    for job in jobs:
        if (name := key(job.identity())) not in done:
            left.setdefault(name, job)
    return list(left.values())


def by_key(results: Sequence[Result]) -> dict[str, Result]:
    """The latest result of each run."""
    return {key(result["run"]): result for result in results}
