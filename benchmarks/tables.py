"""Puts the tables of all result files into docs/performance.md.

python -m benchmarks.tables
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import loader, loader_memory, quickstart, speed, startup

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/performance.md"
TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "speed": ("benchmarks/results/h200.json", speed.table),
    "loader": ("benchmarks/results/loader.json", loader.table),
    "loader memory": ("benchmarks/results/loader_memory.json", loader_memory.table),
    "startup": ("benchmarks/results/startup.json", startup.table),
    "quickstart": ("benchmarks/results/quickstart.json", quickstart.table),
}


def filled(page: str) -> str:
    """The page with its tables as the result files have them."""
    for name, (path, table) in TABLES.items():
        found = json.loads((ROOT / path).read_text(encoding="utf-8"))
        start, end = f"<!-- {name}: {path} -->\n", f"<!-- /{name} -->"
        before, rest = page.split(start)
        page = before + start + table(found) + "\n" + end + rest.split(end, 1)[1]
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
