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
    demo_click,
    export_formats,
    exports,
    feeding,
    growth,
    loader,
    loader_memory,
    long_video,
    many_videos,
    own_videos,
    quickstart,
    reading,
    rendering,
    scaling,
    serving,
    speed,
    startup,
)
from benchmarks.reliability.line import table as reliability_table

ROOT = Path(__file__).parent.parent
RESULTS = "benchmarks/results"
TABLES: dict[str, dict[str, tuple[str, Callable[[dict[str, Any]], str]]]] = {
    "docs/performance.md": {
        "speed": ("h200.json", speed.table),
        "captured": ("captured_h200.json", speed.table),
        "busy core": ("busy_core_h200.json", speed.table),
        "inference": ("inference_h200.json", speed.table),
        "slowfast": ("slowfast_h200.json", speed.table),
        "scaling": ("scaling_h200.json", scaling.table),
        "growth": ("growth_h200.json", growth.table),
        "feeding": ("feeding_h200.json", feeding.table),
        "feeding pictures": ("feeding_pictures_h200.json", feeding.table),
        "feeding two": ("feeding_2_h200.json", feeding.table),
        "loader": ("loader.json", loader.table),
        "loader memory": ("loader_memory.json", loader_memory.table),
        "cpu": ("cpu.json", cpu.table),
        "startup": ("startup.json", startup.table),
        "quickstart": ("quickstart.json", quickstart.table),
        "own videos": ("own_videos.json", own_videos.table),
        "demo click": ("demo_click.json", demo_click.table),
    },
    "CONTRIBUTING.md": {"changed block": ("changed_block.json", changed_block.table)},
    "docs/data.md": {
        "reading": ("reading.json", reading.table),
        "rendering": ("rendering.json", rendering.table),
    },
    "docs/export.md": {
        "exports": ("exports.json", exports.table),
        "formats": ("export_formats.json", export_formats.table),
    },
    "docs/many_videos.md": {
        "many videos": ("many_videos.json", many_videos.table),
        "many videos on a GPU": ("many_videos_h200.json", many_videos.table_on_gpu),
        "many videos together": ("many_videos_h200.json", many_videos.table_together),
    },
    "docs/serving.md": {
        "serving": ("serving.json", serving.table),
        "serving on a GPU": ("serving_h200.json", serving.table),
    },
    "docs/predicting.md": {"long video": ("long_video.json", long_video.table)},
    "docs/reliability.md": {"reliability": ("reliability.json", reliability_table)},
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
