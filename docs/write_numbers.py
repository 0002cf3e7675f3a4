"""Writes the numbers in README.md from the result files beside this script.

The commands that made them, from the top of the repository:

    gta quickstart --out quickstart
    cp quickstart/results.json docs/results/quickstart.json
    cp quickstart/quickstart.png docs/quickstart.png
    python -m docs.own_videos my_videos/
    python -m docs.write_numbers
"""

import json
from pathlib import Path
from statistics import mean, stdev

from docs.markers import with_parts

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"


def quickstart() -> str:
    """The table of the quickstart."""
    told = json.loads((DOCS / "results/quickstart.json").read_text())
    rows = [(name, scores["top1"]) for name, scores in told["models"].items()]
    rows.append(("*order-blind ceiling*", told["order_blind_ceiling"]))
    rows.sort(key=lambda row: row[1])
    first = next(iter(told["models"].values()))
    lines = [f"| | top-1 on {first['videos']} held-out clips |", "| --- | --- |"]
    lines += [f"| {name} | {top1:.1%} |" for name, top1 in rows]
    return "\n".join(lines)


def own_videos() -> str:
    """What training and prediction print for a folder of videos, and how much is chance."""
    told = json.loads((DOCS / "results/own_videos.json").read_text(encoding="utf-8"))
    options = "--model tiny_gta --data folder --root my_videos/ --out runs/mine"
    ends = told["top1"]
    again = ""
    if told["shown"] != ends[0]:
        again = (
            f"Rounding alone makes another run, too: the first seed ended at {100 * ends[0]:.1f} % "
            f"among these five and at {100 * told['shown']:.1f} % above, where sums are rounded in "
            f"another order. "
        )
    each = ", ".join(f"{100 * top1:.1f}" for top1 in sorted(ends))
    return (
        f"```\n$ gta train {options}\n{told['train']}\n\n"
        f"$ gta predict runs/mine {told['video']}\n{told['predict']}\n```\n\n"
        f"The video was not among those trained on. With {len(ends)} seeds (`--seed`) such runs "
        f"end at {each} %: {100 * mean(ends):.1f} in the mean, with a standard deviation of "
        f"{100 * stdev(ends):.1f}, on {told['videos']} videos. {again}Made by "
        f"`docs/own_videos.py` on {told['date']} with torch {told['torch'].split('+')[0]} on "
        f"{told['machine']}."
    )


def with_numbers(text: str) -> str:
    """README.md with each marked part written anew."""
    parts = {"quickstart": quickstart(), "own_videos": own_videos()}
    return with_parts(text, parts, "docs/write_numbers.py")


if __name__ == "__main__":
    README.write_text(with_numbers(README.read_text(encoding="utf-8")), encoding="utf-8")
