"""Blocks, the quickstart's training steps and prediction on a CPU, beside an earlier checkout.

    git worktree add ../gta-earlier 91fbde1
    python -m benchmarks.cpu --earlier ../gta-earlier --out benchmarks/results/cpu.json

Each checkout computes in a process of its own. They take turns, one repetition each, so that what
else the machine does strikes both alike; compared are the shortest repetition and the median. With
one thread the seconds are those of computing, which do not count others' turns on the core; with
several they are the clock's. In a data file that exists, the rows that are measured are replaced.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.output import about, write

ROOT = Path(__file__).parent.parent
BLOCKS = [
    f"block {name} res3 rows {way}" for name in ("GTA", "SA") for way in ("training", "inference")
]
STEPS = ["step tiny", "step tiny_dnl", "step tiny_gta"]
PREDICTIONS = ["predict r2d50", "predict r2d50_gta"]
FOLDED = [f"{name} folded" for name in PREDICTIONS]
CASES = [*BLOCKS, *STEPS, *PREDICTIONS, *FOLDED]


class Checkout:
    """A process that computes the cases with the sources of a checkout."""

    def __init__(self, path: Path):
        sources = os.pathsep.join(
            [str(path / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        script = str(Path(__file__).with_name("cpu_cases.py"))
        # as `gta` sets it: threads that wait give their core to others
        told = {**os.environ, "PYTHONPATH": sources, "OMP_WAIT_POLICY": "PASSIVE"}
        told.pop("OMP_NUM_THREADS", None)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, script], env=told, stdin=pipe, stdout=pipe, text=True
        )

    def __call__(self, case: str, threads: int) -> float:
        """Seconds of one repetition: computed with one thread, by the clock with several."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{threads} {case}\n")
        self.process.stdin.flush()
        clock, computed = json.loads(self.process.stdout.readline())
        return computed if threads == 1 else clock

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(
    checkouts: dict[str, Checkout], case: str, *, threads: int, times: int
) -> dict[str, Any]:
    """Milliseconds of each checkout."""
    found: dict[str, list[float]] = {name: [] for name in checkouts}
    for turn in range(times):
        for name in sorted(checkouts, reverse=bool(turn % 2)):
            found[name].append(1000 * checkouts[name](case, threads))
    return {
        name: {"min_ms": min(all_), "median_ms": statistics.median(all_)}
        for name, all_ in found.items()
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each case and number of threads; "over" is present time over earlier."""
    lines = [
        "| case | threads | earlier, ms | now, ms | over | of medians |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found["results"]:
        now, earlier = row["now"], row.get("earlier")
        cells = [row["case"], str(row["threads"]), "", f"{now['min_ms']:.0f}", "", ""]
        if earlier is not None:
            cells[2] = f"{earlier['min_ms']:.0f}"
            cells[4:] = [f"{now[key] / earlier[key]:.2f}" for key in ("min_ms", "median_ms")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"such as {CASES[0]!r}; else all")
    parser.add_argument("--earlier", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    paths = {"now": ROOT} | ({"earlier": given.earlier} if given.earlier else {})
    checkouts = {name: Checkout(path) for name, path in paths.items()}
    results = []
    for case in given.cases or CASES:
        for threads in given.threads:
            row = measure(checkouts, case, threads=threads, times=given.times)
            results.append({"case": case, "threads": threads, **row})
            print(table({"results": results[-1:]}).splitlines()[-1], file=sys.stderr, flush=True)
    for checkout in checkouts.values():
        checkout.close()
    if given.out is not None and given.out.exists():
        measured = {(row["case"], row["threads"]) for row in results}
        before = json.loads(given.out.read_text(encoding="utf-8"))["results"]
        rows = [row for row in before if (row["case"], row["threads"]) not in measured]
        results = sorted(rows + results, key=lambda row: (row["case"], row["threads"]))
    machine = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores"
    found = {**about("torch"), "machine": machine, "times": given.times, "results": results}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
