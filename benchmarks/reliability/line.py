"""A line of the exam, and the table of all."""

from dataclasses import dataclass
from typing import Any

BUSY = 0.5
"""Processes that compute beside, for each core, from which on a machine is called busy."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was done, what came of it, and what must come of it."""

    number: int
    """Of the list of faults."""
    fault: str
    value: str
    bound: str
    passed: bool | None
    """None: it cannot be tried here; `value` says why."""
    timed: bool = False
    """Whether it is a matter of seconds, and depends on what else the machine does."""

    @property
    def verdict(self) -> str:
        """In a word."""
        return "not tried" if self.passed is None else "holds" if self.passed else "FAILS"


def is_busy(topic: dict[str, Any]) -> bool:
    """Whether the machine was busy with other things, and a line of the topic is timed."""
    return topic.get("load", 0) > BUSY and any(line.get("timed") for line in topic["lines"])


def table(results: dict[str, Any]) -> str:
    """The table of a result file."""
    rows = ["| line | fault | found | bound | | topic |", "| ---: | --- | --- | --- | --- | --- |"]
    lines = [
        (Line(**entry), topic.get("load", 0) > BUSY, name)
        for name, topic in results["topics"].items()
        for entry in topic["lines"]
    ]
    for line, busy, name in sorted(lines, key=lambda row: (row[0].number, row[2])):
        verdict = line.verdict + " (busy machine)" * (line.timed and busy)
        found, bound = (text.replace("|", "\\|") for text in (line.value, line.bound))
        cells = (str(line.number), line.fault, found, bound, verdict, f"`{name}`")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
