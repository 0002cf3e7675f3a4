"""The part of docs/results.md that is about real clips."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from experiments.real_baselines import BASELINES
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
VIDEOS = "[where they are from](../experiments/README.md#real-clips)"


@dataclass(frozen=True)
class Section:
    """One table of the page."""

    task: str
    held_out: str
    title: str
    remark: str
    change: str = "none"


SECTIONS = (
    Section(
        *("sit-stand", "folds"),
        "The arrow of time: people who sit down or stand up",
        "Clips in the dark ({videos}), each one also backwards under the other label, a fifth of "
        "them held out at a time. What is blind to order is right in exactly half of the cases. A "
        "clip and its reversed copy count as one in the interval. The support vector machine sees "
        "all 32 frames, grey, 32 x 24 pixels.",
    ),
    Section(
        *("sit-stand", "split"),
        "The same on the split that came with the clips: other scenes, other people",
        "Trained on {train[clips]} clips, tested on {val[clips]}. What is learnt from the first "
        "does not hold for the others: the camera moves up and down by {val[camera_path]:.0%} of "
        "the picture's height in all (median), in training by {train[camera_path]:.0%}; and to say "
        "that somebody sits down if what moves goes down in the picture is right in "
        "{train[rule]:.0%} of the clips of training and in {val[rule]:.0%} of the others "
        "(`python -m experiments.real_gap`).",
    ),
    Section(
        *("sit-stand", "scenes"),
        "A scene at a time held out",
        "Of the 50 clips whose scene is known, those of six scenes.",
    ),
    Section(
        *("sit-stand", "folds of these"),
        "The same 50 clips, a fifth held out at a time",
        "As many clips to learn from as above, but from every scene.",
    ),
    Section(
        *("sit-stand", "split"),
        "The split that came with the clips, half of the training clips shown as negatives",
        "What is bright is dark in a negative.",
        change="negatives",
    ),
    Section(
        *("sit-stand", "split"),
        "The split that came with the clips, with a camera that moves in training",
        "The crop moves from one place to another while the clip runs.",
        change="pan",
    ),
    Section(
        *("wagon", "folds"),
        "The state of a tank wagon, 4 classes",
        "160 clips ({videos}), a fifth held out at a time. A state and not an order: what "
        "attention over time gains here is little by nature.",
    ),
)


def real_section(results: Sequence[Result], gap: dict[str, dict[str, float]]) -> str:
    """Markdown; empty without results. `gap` is what `experiments.real_gap` has measured."""
    parts = []
    for section in SECTIONS:
        shown = table_of(results, section.task, section.held_out, change=section.change)
        if shown:
            remark = textwrap.fill(section.remark.format(videos=VIDEOS, **gap), 100)
            parts.append(f"### {section.title}\n\n{remark}\n\n{shown}\n")
    return "\n".join([INTRODUCTION, *parts]) if parts else ""


def table_of(results: Sequence[Result], task: str, held_out: str, *, change: str = "none") -> str:
    """Markdown: the networks, and what needs none; empty without runs of networks."""
    here = [
        one
        for one in results
        if (one["run"]["task"], one["run"]["held_out"]) == (task, held_out)
        and one["run"].get("change", "none") == change
    ]
    rows = []
    for name, model in MODELS.items():
        wanted = model.model_dump(mode="json")
        runs = [one for one in here if one["run"].get("model") == wanted]
        cells = [_cell([one for one in runs if one["run"]["start"] == start]) for start in STARTS]
        if any(cells):
            rows.append(f"| {name} | " + " | ".join(cells) + " |")
    if not rows:
        return ""
    for name in BASELINES:
        if cell := _cell([one for one in here if one["run"].get("baseline") == name]):
            rows.append(f"| {name} | {cell} | |")
    return "\n".join(["| | from scratch | from `ordered` |", "| --- | ---: | ---: |", *rows])


def _cell(runs: Sequence[Result]) -> str:
    if not runs:
        return ""
    values = [run["top1"] for run in runs]
    count = runs[0]["items"] // (2 if runs[0]["run"]["arrow"] else 1)
    low, high = wilson_interval(round(mean(values) * count), count)
    return f"{spread(values)} ({100 * low:.0f} to {100 * high:.0f}; {_seeds(len(runs))})"


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
