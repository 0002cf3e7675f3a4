"""The table of heads over EfficientNet-Lite0 on real clips."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.frozen_jobs import NO_NETWORK, TRUNKS
from experiments.markdown import table
from experiments.significance import mean_interval, mean_std, span

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
ARROW = "sit-stand"
"""The folder whose task is the arrow of time."""
BLIND = ("no blocks", "NL", "DNL")
"""Heads whose scores do not depend on the order of frames: with the arrow of time they are right
for a clip where they are wrong for its reversed copy."""


def result_table(results: Sequence[dict[str, Any]]) -> str:
    """A line for each trunk and head: mean, deviation over seeds and Wilson's interval.

    Lines are by trunk, those with the recipe's own settings first. A clip and its
    reversed copy count as one in the interval.
    """
    lines = []
    trunks = [*TRUNKS, NO_NETWORK]
    rows = sorted(
        dict.fromkeys(map(_which, results)), key=lambda row: (trunks.index(row[0]), bool(row[2]))
    )
    for about in rows:
        lines.append([", ".join([about[1], about[0], *about[2]])])
        for task in TASKS:
            if about[1] in BLIND and task[0] == ARROW:
                lines[-1].append("50.0 by construction")
                continue
            runs = [r for r in results if (_which(r), r["task"], r["held_out"]) == (about, *task)]
            top1 = [run["top1"] for run in runs]
            within = f" ({span(mean_interval(top1, runs[0]['clips']), 0)})" if runs else ""
            lines[-1].append(mean_std(top1) + within)
    return table(["", *(f"{task}, {HELD_OUT[how]}" for task, how in TASKS)], lines)


def _which(result: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    return result["trunk"], result["head"], tuple(result.get("settings", ()))
