"""The pictures of docs/results.md, from the results files alone."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.results import Result
from experiments.rows import Runs, short_rows
from experiments.tables import EXPERIMENTS
from experiments.times import job_key, measured
from gta.evaluation.significance import wilson_interval
from gta.figures.class_figures import GroupsResult, groups_figure

COST_TABLES = ("table2b", "table2a", "table3", "table7", "table2c", "tsm")
"""Tables with networks of the same depth, and clips of the same size."""
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
"""Okabe and Ito's colors, distinct for the color-blind."""
BLACK, GREY = "0", "0.72"
LABELS = {
    "R2D": ("R2D", BLACK, (0, -15), "center"),
    "+ SA + TA": ("SA + TA", ORANGE, (7, -4), "left"),
    "+ SA + TAPE": ("SA + TAPE", PURPLE, (7, -13), "left"),
    "+ SA + GTA": ("SA + GTA", RED, (4, 6), "left"),
    "pixel GTA, G = 8": ("pixel GTA", BLUE, (0, 8), "center"),
    "TSM, 8 frames": ("TSM", GREEN, (6, -12), "left"),
}
"""Points with names: the name, its color, and its offset from the point."""


def draw_cost(runs: Runs, times: Sequence[Result], path: Path) -> None:
    """Top-1 over GFLOPs and over the milliseconds measured on each device, a point per network."""
    quickest = {about: min(ms) for about, ms in measured(times).items()}
    devices = list(dict.fromkeys(time["hardware"] for time in times))
    costs = ["GFLOPs of a clip", *(f"ms of a clip, {device}" for device in devices)]
    figure = Figure(figsize=(4 * len(costs), 4.6), layout="constrained")
    parts = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for name, row in short_rows(COST_TABLES):
        results, job = runs.of(name, row.label), EXPERIMENTS[name].job(row, 0)
        if not results:
            continue
        places = [results[0]["gflops"], *(quickest.get(job_key(job, on)) for on in devices)]
        for axes, x in zip(parts, places, strict=True):
            if x is not None:
                _point(axes, x, [100 * run["top1"] for run in results], row.label)
    for axes, words in zip(parts, costs, strict=True):
        _frame(axes, words)
        axes.margins(x=0.2, y=0.08)
        axes.locator_params(axis="x", nbins=5)
    parts[0].set_ylabel("top-1, %")
    figure.savefig(path, dpi=110)


def _point(axes: Axes, x: float, values: list[float], label: str) -> None:
    words, color, offset, side = LABELS.get(label, ("", GREY, (0, 0), "center"))
    error, at = stdev(values) if len(values) > 1 else 0.0, (x, mean(values))
    axes.errorbar(*at, error, fmt="o", color=color, capsize=2, zorder=3 if words else 2)
    axes.annotate(words, at, offset, textcoords="offset points", ha=side, color=color, zorder=4)


def _frame(axes: Axes, words: str) -> None:
    axes.set_xlabel(words)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def draw_groups(runs: Runs, path: Path) -> None:
    """Figure 5 as `gta figure 5` draws it: top-1 over the number of groups."""
    results = []
    for row in EXPERIMENTS["figure5"].rows:
        for run in runs.of("figure5", row.label):
            videos = run["run"]["data"]["num_val"]
            interval = wilson_interval(round(run["top1"] * videos), videos)
            results.append(GroupsResult(int(row.label.split()[-1]), run["top1"], interval))
    groups_figure(results).savefig(path, dpi=110)


def draw_losses(runs: Runs, path: Path) -> None:
    """The loss over the steps, a line per run, for Table 2b and for three times as many steps."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    colors = {"R2D": BLACK, "SA": "0.5", "TA": BLUE, "SA + TA": ORANGE, "SA + TAPE": PURPLE}
    colors |= {"SA + region GTA": GREEN, "SA + GTA": RED, "SA + TAPE, drawn at 0.02": PURPLE}
    for axes, name in zip(figure.subplots(1, 2, sharey=True), ("table2b", "steps"), strict=True):
        ends = []
        for row in EXPERIMENTS[name].rows:
            words, results = row.label.removeprefix("+ "), runs.of(name, row.label)
            color = colors.get(words, GREY)
            for run in results:
                part = row.settings.steps / len(run["loss"])
                steps = [part * (index + 0.5) for index in range(len(run["loss"]))]
                axes.plot(steps, run["loss"], color=color, linewidth=1)
            if results:
                end = mean(run["loss"][-1] for run in results)
                ends.append((end, row.settings.steps, words, color))
        height = -1.0
        for end, x, words, color in sorted(ends):
            height = max(end, height + 0.13)  # labels do not overlap
            axes.text(x, height, words, color=color, va="center")
        _frame(axes, "step")
        axes.set_title(EXPERIMENTS[name].title, fontsize=10)
        axes.set_ylim(bottom=0)
    figure.axes[0].set_ylabel("loss in training")
    figure.savefig(path, dpi=110)
