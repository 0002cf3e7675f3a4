"""What `gta check` reports."""

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind of fault in a data set, and where it is."""

    severity: Severity
    kind: str
    text: str
    """What it means and what to do."""
    items: list[str] = field(default_factory=list)
    """The videos or classes concerned, all of them."""


def number(count: int, singular: str, plural: str) -> str:
    """`1 video is` or `2 videos are`."""
    return f"{count:,} {singular if count == 1 else plural}"
