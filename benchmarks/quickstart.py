"""Where the minutes of `gta quickstart` go.

    OMP_NUM_THREADS=1 python -m benchmarks.quickstart --out benchmarks/results/quickstart.json

Time is that for which this process computes, on one thread, under Python's profiler. Rendering, in
processes of its own, is not in it.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.output import about, write

PARTS = {
    "forward and backward pass of training": ("training/step.py", "backward"),
    "the rest of a step: optimiser, clipping": ("training/step.py", "__call__"),
    "crops and flips of training clips": ("training/waiting.py", "batches"),
    "scoring the held-out clips": ("evaluation/evaluate.py", "evaluate"),
}
REST = "imports, filling the memory of frames, pictures, the rest"


def profile(folder: Path) -> pstats.Stats:
    """The profile of a quickstart."""
    from gta.cli.quickstart import quickstart

    profiler = cProfile.Profile(time.process_time)
    with suppress(SystemExit):
        profiler.runcall(quickstart, folder, "cpu")
    return pstats.Stats(profiler)


def shares(stats: pstats.Stats) -> dict[str, float]:
    """Seconds of each part, and of all of them in "whole"."""
    told: Any = stats
    found = {
        part: sum(
            one[3]
            for (file, _, called), one in told.stats.items()
            if file.endswith(f"gta/{place}") and called == name
        )
        for part, (place, name) in PARTS.items()
    }
    inner, outer = list(PARTS)[:2]
    found[outer] -= found[inner]
    whole = told.total_tt
    return found | {REST: whole - sum(found.values()), "whole": whole}


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each part, the largest first."""
    results = dict(found["results"])
    whole = results.pop("whole")
    rows = sorted(results.items(), key=lambda one: -one[1])
    lines = ["| part | s | share |", "| --- | ---: | ---: |"]
    lines += [f"| {part} | {seconds:.0f} | {seconds / whole:.0%} |" for part, seconds in rows]
    return "\n".join([*lines, f"| whole | {whole:.0f} | |"])


def main() -> None:
    """Runs it and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--profile", type=Path, help="one that was kept, instead of a new run")
    given = parser.parse_args()
    if given.profile is not None:
        results = shares(pstats.Stats(str(given.profile)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            results = shares(profile(Path(folder)))
    found = {**about("torch"), "results": results}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
