"""The part of docs/results.md that is about real clips."""

from collections.abc import Sequence
from statistics import mean

from experiments.real_runs import MODELS, STARTS
from experiments.results import Result
from experiments.spread import spread
from gta.evaluation.significance import wilson_interval

INTRODUCTION = """## Real clips

R2D-18 on 32 frames of each clip, 128 x 170 pixels, brightened; 300 steps of 32 crops of 112 pixels
and 8 frames, half of them mirrored (`python -m experiments.real`,
[data](../experiments/results/real.jsonl)). "from `ordered`" starts from the weights of a run on the
built-in set instead of drawn ones. Mean and standard deviation over seeds, which also draw the
folds; in brackets Wilson's 95 % interval for that accuracy on so many clips.
"""
TITLES = {
    ("sit-stand", "folds"): (
        "The arrow of time: sitting down or standing up, 81 clips and the same backwards, 5 folds",
        81,
        "Blind to order is 50.0 exactly. A support vector machine on frames stacked in order has "
        "90.7 (one run, untuned). A clip and its reversed copy count as one in the interval.",
    ),
    ("sit-stand", "split"): (
        "The same on the split that came with the clips: other scenes, other people",
        31,
        "The support vector machine has 61.3.",
    ),
    ("wagon", "folds"): (
        "The state of a tank wagon, 4 classes, 160 clips, 5 folds",
        160,
        "A state and not an order: what attention over time gains here is little by nature.",
    ),
}


def real_section(results: Sequence[Result]) -> str:
    """Markdown; empty without results."""
    parts = []
    for (task, held_out), (title, count, remark) in TITLES.items():
        rows = []
        for name, model in MODELS.items():
            cells = [_cell(_of(results, task, held_out, start, model), count) for start in STARTS]
            if any(cells):
                rows.append(f"| {name} | " + " | ".join(cells) + " |")
        if rows:
            head = "| | from scratch | from `ordered` |\n| --- | ---: | ---: |"
            parts.append("\n".join([f"### {title}", "", remark, "", head, *rows, ""]))
    return "\n".join([INTRODUCTION, *parts]) if parts else ""


def _of(results: Sequence[Result], task: str, held_out: str, start: str, model) -> list[Result]:
    wanted = {"task": task, "held_out": held_out, "start": start}
    wanted["model"] = model.model_dump(mode="json")
    return [one for one in results if wanted.items() <= one["run"].items()]


def _cell(runs: Sequence[Result], count: int) -> str:
    if not runs:
        return ""
    values = [run["top1"] for run in runs]
    low, high = wilson_interval(round(mean(values) * count), count)
    seeds = "" if len(runs) > 1 else ", 1 seed"
    return f"{spread(values)} ({100 * low:.0f} to {100 * high:.0f}{seeds})"


def table_of(results, name, held_out):
    return ""
