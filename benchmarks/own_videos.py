"""From the command to the score on a folder of own videos: `tiny_gta`, frozen `lite0`, `lite2`.

    python -m benchmarks own_videos --videos my_videos

One after the other, each in processes of its own, with an empty cache of features; then another
head on the features that are kept, and `gta test` of the frozen run, which finds them too. "time"
is that of the whole command, "caching" that of the features for each clip, "training" that of the
epochs. Memory is the largest sum of PSS of a command and its children (Linux).
"""

import argparse
import csv
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.output import about, write

WAYS = {
    "tiny_gta, from scratch": ("--model", "tiny_gta"),
    "lite0_gta, frozen": ("--model", "lite0_gta", "--freeze"),
    "lite2_gta, frozen": ("--model", "lite2_gta", "--freeze"),
    "another head, same videos": ("--model", "lite0_tape", "--freeze"),
}
_FEATURES = re.compile(
    r"features of (\d+) training videos .*?(?:and of (\d+) validation videos)?, ([\d.]+) s"
)
_PARTS = {"caching": ".2f", "training": ".0f", "mib": "d", "top1": ".1%"}
_LOOK_EVERY = 1.0
"""Seconds between two looks at the memory: four looks a second slow a training by a tenth."""


def memory(pid: int) -> float:
    """MiB of a process and its children, PSS; 0 where it cannot be told."""
    found = 0.0
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, StopIteration):
        return found
    return found + sum(memory(int(child)) for child in children)


def watched(words: list[str]) -> dict[str, Any]:
    """Seconds and memory of one command."""
    began, most = time.monotonic(), 0.0
    with subprocess.Popen([sys.executable, "-m", "gta", *words]) as run:
        while run.poll() is None:
            most = max(most, memory(run.pid))
            time.sleep(_LOOK_EVERY)
    if run.returncode:
        raise SystemExit(f"gta {' '.join(words)} ended with {run.returncode}")
    return {"seconds": round(time.monotonic() - began, 1), "mib": round(most)}


def measure(words: list[str], out: Path) -> dict[str, Any]:
    """Seconds in all and of its parts, memory and the last accuracy of one training."""
    found = watched(["train", *words, "--out", str(out)])
    with (out / "metrics.csv").open(newline="") as file:
        epochs = list(csv.DictReader(file))
    found |= {"top1": float(epochs[-1]["val_top1"])}
    found |= {"training": round(sum(float(one["seconds"]) for one in epochs), 1)}
    if told := _FEATURES.search((out / "log.txt").read_text(encoding="utf-8")):
        clips = int(told[1]) + int(told[2] or 0)
        found |= {"caching": round(float(told[3]) / clips, 3)}
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each way."""
    lines = ["| | time, s | caching, s a clip | training, s | MiB | top-1 |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, one in found["results"].items():
        parts = [f"{one[key]:{form}}" if key in one else "" for key, form in _PARTS.items()]
        lines.append(f"| {name} | {one['seconds']:.0f} | {' | '.join(parts)} |")
    return "\n".join(lines)


def main() -> None:
    """Measures all ways and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--videos", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, help="fewer than those of the recipes, for a test")
    given = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        more = ["--epochs", str(given.epochs)] if given.epochs else []
        for number, (name, words) in enumerate(WAYS.items()):
            place = ["--data", "folder", "--root", str(given.videos)]
            kept = ["--set", f"data.features_dir={folder}/features"]
            command = [*words, *place, *kept, *more]
            results[name] = measure(command, Path(folder) / str(number))
        frozen = list(WAYS).index("lite0_gta, frozen")
        results["gta test of it"] = watched(["test", f"{folder}/{frozen}"])
    found = {**about("torch", "timm"), "results": results}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
