"""The table of heads over EfficientNet-Lite0 on real clips."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.markdown import table
from experiments.significance import mean_std
from gta.evaluation.significance import wilson_interval

OUT = Path(__file__).parent / "results/frozen.json"
HELD_OUT = {
    "folds": "5-fold",
    "recordings": "5-fold, what looks alike in one",
    "split": "other scenes, both ways",
    "scenes": "a scene of the training part left out",
}
TASKS = (
    ("sit-stand", "scenes"),
    ("sit-stand", "split"),
    ("sit-stand", "folds"),
    ("sit-stand", "recordings"),
    ("wagon", "folds"),
    ("wagon", "recordings"),
)
"""Folders, and their kinds of held-out videos."""


def interval(runs: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Wilson's interval; a clip and its reversed copy count as one."""
    clips = runs[0]["clips"]
    return wilson_interval(round(sum(r["top1"] for r in runs) / len(runs) * clips), clips)


def result_table(results: Sequence[dict[str, Any]]) -> str:
    """A line for each trunk and head: mean and deviation over seeds, and an interval."""
    lines = []
    for trunk, head, settings in dict.fromkeys(map(_which, results)):
        cells = []
        for task, held_out in TASKS:
            mine = [
                r
                for r in results
                if _which(r) == (trunk, head, settings)
                and (r["task"], r["held_out"]) == (task, held_out)
            ]
            if not mine:
                cells.append("")
                continue
            low, high = interval(mine)
            cells.append(
                f"{mean_std([r['top1'] for r in mine])} ({100 * low:.0f} to {100 * high:.0f})"
            )
        lines.append([", ".join([head, trunk, *settings]), *cells])
    return table(["", *(f"{task}, {HELD_OUT[how]}" for task, how in TASKS)], lines)


def _which(result: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    return result["trunk"], result["head"], tuple(result.get("settings", ()))
