"""The pictures of docs/results.md, from the results files alone."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import mean, stdev

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.results import Result
from experiments.rows import Found, short_rows
from experiments.tables import EXPERIMENTS
from experiments.times import job_key, measured

COST_TABLES = ("table2b", "table2a", "table3", "table7", "table2c", "tsm")
"""Of networks of the same depth, clips of the same size."""
BLOCKS = {"table2a": "SA + GTA, ", "table2c": "SA + GTA, "}
"""Which the rows of these do not name."""
GROUPS = (1, 2, 4, 8, 16, 32)
_MARKERS = "osD^v"


def draw_cost(results: Sequence[Result], times: Sequence[Result], path: Path) -> None:
    """Top-1 over GFLOPs and over the milliseconds measured on each device, a point a variant."""
    found, taken = Found(results), measured(times)
    devices = list(dict.fromkeys(time["hardware"] for time in times))
    points: list[tuple[str, list[float], list[float | None]]] = []
    for name, row, label in short_rows(COST_TABLES):
        experiment = EXPERIMENTS[name]
        if runs := found.of(row, experiment):
            ms = [taken.get(job_key(experiment.job(row, 0), on)) for on in devices]
            places = [runs[0]["gflops"], *(min(one) if one else None for one in ms)]
            values = [100 * run["top1"] for run in runs]
            points.append((BLOCKS.get(name, "") + label.removeprefix("+ "), values, places))
    best_first = sorted(points, key=lambda point: -mean(point[1]))
    costs = ["GFLOPs of a clip", *(f"ms of a clip, measured: {name}" for name in devices)]
    figure = Figure(figsize=(3 + 3.7 * len(costs), 5.6), layout="constrained")
    parts = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    looks = product(_MARKERS, (f"C{colour}" for colour in range(10)))
    for (label, values, places), (marker, colour) in zip(best_first, looks, strict=False):
        for number, (axes, x) in enumerate(zip(parts, places, strict=True)):
            _point(axes, x, values, None if number else label, marker, colour)
    for axes, words in zip(parts, costs, strict=True):
        axes.set_xlabel(words)
        axes.grid(alpha=0.3)
        axes.locator_params(axis="x", nbins=5)
    parts[0].set_ylabel("top-1, %")
    figure.legend(loc="outside right center", fontsize=8)
    figure.savefig(path, dpi=110)


def _point(
    axes: Axes, x: float | None, values: list[float], label: str | None, marker: str, colour: str
) -> None:
    if x is None:
        return
    error = stdev(values) if len(values) > 1 else 0.0
    axes.errorbar(x, mean(values), error, fmt=marker, color=colour, capsize=3, label=label)


def draw_groups(results: Sequence[Result], path: Path) -> None:
    """Figure 5: top-1 over the number of groups."""
    found, experiment = Found(results), EXPERIMENTS["figure5"]
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    shown = []
    for groups, row in zip(GROUPS, experiment.rows, strict=True):
        if runs := found.of(row, experiment):
            shown.append((groups, [100 * run["top1"] for run in runs]))
    places = [groups for groups, _ in shown]
    means = [mean(values) for _, values in shown]
    errors = [stdev(values) if len(values) > 1 else 0.0 for _, values in shown]
    axes.errorbar(places, means, errors, fmt="o-", capsize=3)
    for groups, values in shown:
        axes.plot([groups] * len(values), values, ".", color="grey", markersize=4)
    axes.set_xscale("log", base=2)
    axes.set_xticks(GROUPS, [str(groups) for groups in GROUPS])
    axes.set_xlabel("groups of channels, G")
    axes.set_ylabel("top-1, %")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def draw_losses(results: Sequence[Result], path: Path) -> None:
    """The loss over the steps: runs of Table 2b, and those that were three times as long."""
    found = Found(results)
    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), ("table2b", "steps"), strict=True):
        experiment = EXPERIMENTS[name]
        for number, row in enumerate(experiment.rows):
            for count, run in enumerate(found.of(row, experiment)):
                losses = run["loss"]
                part = row.settings.steps / len(losses)
                steps = [part * (index + 0.5) for index in range(len(losses))]
                label = None if count else row.label.removeprefix("+ ")
                axes.plot(steps, losses, color=f"C{number}", label=label, linewidth=1)
        axes.set_title(experiment.title, fontsize=9)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=8)
        axes.set_ylim(bottom=0)
    figure.axes[0].set_ylabel("loss in training")
    figure.savefig(path, dpi=110)
