"""Clips of the built-in set that one core renders in a second.

python -m benchmarks.rendering --clips 500 --out benchmarks/results/rendering.json
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.output import about, write
from gta.ordered import CLASSES, DIFFICULTIES, render_clip

SHAPES = ((16, 64), (16, 128))
"""Frames of a clip, and pixels a side."""
PARTS = 5


def measure(clips: int) -> list[dict[str, Any]]:
    """Of each shape and difficulty: the median, the least and the most of `PARTS` parts."""
    found = []
    for num_frames, side in SHAPES:
        for name, difficulty in DIFFICULTIES.items():
            rates = []
            for part in range(PARTS):
                began = time.perf_counter()
                for index in range(clips // PARTS):
                    render_clip(
                        CLASSES[index % len(CLASSES)].key,
                        num_frames=num_frames,
                        height=side,
                        width=side,
                        seed=part * clips + index,
                        difficulty=difficulty,
                    )
                rates.append(clips // PARTS / (time.perf_counter() - began))
            row = {"frames": num_frames, "side": side, "difficulty": name}
            row |= {"clips_per_s": statistics.median(rates), "least": min(rates)}
            found.append(row | {"most": max(rates)})
            print(found[-1], flush=True)
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    lines = ["| frames | level | clips/s | least to most |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| {row['frames']} x {row['side']} x {row['side']} | {row['difficulty']} | "
        f"{row['clips_per_s']:.0f} | {row['least']:.0f} to {row['most']:.0f} |"
        for row in found["results"]
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    results = measure(given.clips)
    found = {**about("numpy"), "results": results}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
