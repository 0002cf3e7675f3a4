"""Puts the tables and pictures of all result files into the pages.

python -m benchmarks.tables
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docs.markers import with_parts

from benchmarks import (
    changed_block,
    cpu,
    feeding,
    growth,
    loader,
    loader_memory,
    quickstart,
    reading,
    rendering,
    speed,
    startup,
)

ROOT = Path(__file__).parent.parent
RESULTS = "benchmarks/results"
TABLES: dict[str, dict[str, tuple[str, Callable[[dict[str, Any]], str]]]] = {
    "docs/performance.md": {
        "speed": ("h200.json", speed.table),
        "captured": ("captured_h200.json", speed.table),
        "compiled": ("compiled_h200.json", speed.table),
        "slowfast": ("slowfast_h200.json", speed.table),
        "growth": ("growth_h200.json", growth.table),
        "feeding": ("feeding_h200.json", feeding.table),
        "loader": ("loader.json", loader.table),
        "loader memory": ("loader_memory.json", loader_memory.table),
        "cpu": ("cpu.json", cpu.table),
        "startup": ("startup.json", startup.table),
        "quickstart": ("quickstart.json", quickstart.table),
    },
    "CONTRIBUTING.md": {"changed block": ("changed_block.json", changed_block.table)},
    "docs/data.md": {
        "reading": ("reading.json", reading.table),
        "rendering": ("rendering.json", rendering.table),
    },
}
"""Of each page: names of its tables, with the data file and what makes the table of it."""


def filled(page: str) -> str:
    """A page of `TABLES`, read from its file, with its tables as the result files have them."""
    parts = {}
    for name, (file, table) in TABLES[page].items():
        parts[name] = table(json.loads((ROOT / RESULTS / file).read_text(encoding="utf-8")))
    return with_parts((ROOT / page).read_text(encoding="utf-8"), parts, RESULTS)


def write_pages() -> None:
    """All pages and the picture."""
    for page in TABLES:
        (ROOT / page).write_text(filled(page), encoding="utf-8")
    found = (ROOT / RESULTS / "growth_h200.json").read_text(encoding="utf-8")
    growth.picture(json.loads(found), ROOT / "docs/growth.png")


if __name__ == "__main__":
    write_pages()
