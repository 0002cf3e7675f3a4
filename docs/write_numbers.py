"""Writes the numbers in README.md from the result files beside this script.

The commands that made them, from the top of the repository:

    gta quickstart --out quickstart
    cp quickstart/results.json docs/results/quickstart.json
    cp quickstart/quickstart.png docs/quickstart.png
    gta train --model tiny_gta --data folder --root my_videos/ --out runs/mine
    python docs/write_numbers.py

What the fourth printed is in results/own_videos.txt, without most of its epochs.
"""

import json
import re
from pathlib import Path

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
    """What training and prediction print for a folder of videos."""
    printed = (DOCS / "results/own_videos.txt").read_text().rstrip()
    return f"```\n{printed}\n```"


def with_numbers(text: str) -> str:
    """README.md with each marked part written anew."""
    for name, part in (("quickstart", quickstart()), ("own_videos", own_videos())):
        pattern = rf"(<!-- {name}: docs/write_numbers.py -->\n).*?(<!-- /{name} -->)"
        text, count = re.subn(
            pattern, lambda found, part=part: f"{found[1]}{part}\n{found[2]}", text, flags=re.S
        )
        if count != 1:
            raise SystemExit(f"README.md has {count} parts marked {name!r}, expected 1")
    return text


if __name__ == "__main__":
    README.write_text(with_numbers(README.read_text(encoding="utf-8")), encoding="utf-8")
