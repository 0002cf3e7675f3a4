"""The tables and pictures of docs/results.md, from the results files; its prose is by hand."""

import json
from pathlib import Path
from statistics import mean

from docs.markers import with_parts

from experiments.again import again_table, repeated_rows
from experiments.claims import compare, comparison_table, order_table, summary_table
from experiments.ensembles import members
from experiments.frozen_page import OUT as FROZEN_FILE
from experiments.frozen_page import result_table
from experiments.markdown import table
from experiments.ordered_normalized import NORMALIZED_FILE, normalized_table
from experiments.pictures import draw_cost, draw_groups, draw_losses
from experiments.real_page import REAL_TABLES, real_table
from experiments.results import AGAIN_FILE, REAL_FILE, TIMES_FILE, Result, read_results
from experiments.rows import Runs, read_runs, short_rows
from experiments.significance import (
    Difference,
    against_control,
    mean_std,
    prediction_interval,
    span,
)
from experiments.tables import ENSEMBLES, EXPERIMENTS

PAGE = Path(__file__).parent.parent / "docs" / "results.md"
SOURCE = "experiments/page.py"
CONTROLS = {
    "assignment": "softmax_regions",
    "regions": "R = 8",
    "region": "R = 8, softmax_regions",
    "matrix": "as other weights",
    "readings": "W_R from X, N_h = G = 8",
    "free_regions": "region alone, W_R from X",
    "joins": "a norm from zero for each half and branch",
    "figure5": "G = 8",
}
"""The row of the default block, with which the others of its experiment are compared."""
_MOST_SEEDS = 20


def experiment_table(name: str, runs: Runs) -> str:
    """A line for each row that has a finished run, then the ensembles."""
    lines = list[list[str]]()

    def add(label: str, paper: float | None, results: list[Result], *more: str) -> None:
        top1 = [run["top1"] for run in results]
        printed = "" if paper is None else f"{paper:.1f}"
        within = span(prediction_interval(top1, runs.repeats.floor))
        lines.append([label, printed, mean_std(top1), within, str(len(top1)), *more])

    for row in EXPERIMENTS[name].rows:
        if results := runs.of(name, row.label):
            pairs = mean_std([mean(run["pairs"].values()) for run in results])
            backwards = mean_std([run["reversed"] for run in results])
            size = (f"{results[0]['gflops']:.2f}", f"{results[0]['params_m']:.1f}")
            add(row.label, row.paper, results, pairs, backwards, *size)
    together = [(label, runs.get(identity)) for label, identity, _ in members(name, _MOST_SEEDS)]
    for label, (_, paper) in ENSEMBLES.get(name, {}).items():
        if results := [run for of, run in together if of == label and run]:
            add(label, paper, results, *[""] * 4)
    head = ["", "paper", "top-1", "95 % prediction interval", "seeds", "pairs", "reversed"]
    return table([*head, "GFLOPs", "M params"], lines)


def controls(name: str, runs: Runs) -> dict[str, Difference]:
    """The difference of each other row of an experiment of `CONTROLS` to the default block."""
    rows = {row.label: runs.top1(name, row.label) for row in EXPERIMENTS[name].rows}
    rows = {label: top1 for label, top1 in rows.items() if top1}
    return against_control(rows.pop(CONTROLS[name]), rows, runs.repeats.floor)


def control_table(runs: Runs) -> str:
    """A line for each of `CONTROLS`: the significant rows, and the least significant difference."""
    lines = []
    for name, control in CONTROLS.items():
        rows = controls(name, runs)
        apart = [f"{row}: {100 * by.mean:+.1f}" for row, by in rows.items() if by.significant]
        reach = 100 * max(by.high - by.mean for by in rows.values())
        of = f"{control} ({len(runs.top1(name, control))} seeds)"
        lines.append([EXPERIMENTS[name].title, of, "; ".join(apart) or "none", f"{reach:.1f}"])
    head = ["", "compared with", "significantly apart", "least that would show"]
    return table(head, lines, left=3)


def frames_table(runs: Runs) -> str:
    """Networks of 8 frames, tested on other frames."""
    lines = []
    for name, row in short_rows(("table2b", "table2a", "tsm")):
        if tested := [run for run in runs.of(name, row.label) if "longer" in run]:
            values = [[run[how] for run in tested] for how in ("top1", "dropped", "middle")]
            values += [[run[how]["top1"] for run in tested] for how in ("other_frames", "longer")]
            cells = map(mean_std, values)
            lines.append([row.label.removesuffix(", 8 frames"), str(len(tested)), *cells])
    return table(["", "seeds", "top-1", "dropped", "middle", "16 frames", "32 frames"], lines)


def parts() -> dict[str, str]:
    """The tables between the markers of the page."""
    runs, real = read_runs(), read_results(REAL_FILE)
    tested, again = compare(runs), Runs(read_results(AGAIN_FILE))
    return {
        "summary": summary_table(tested),
        "claims": comparison_table(tested),
        "order": order_table(runs),
        "controls": control_table(runs),
        **{name: experiment_table(name, runs) for name in EXPERIMENTS},
        "again": again_table(repeated_rows(runs, again), runs.repeats.floor),
        "other frames": frames_table(runs),
        "normalized": normalized_table(json.loads(NORMALIZED_FILE.read_text(encoding="utf-8"))),
        "frozen": result_table(json.loads(FROZEN_FILE.read_text(encoding="utf-8"))),
        **{name: real_table(real, columns) for name, columns in REAL_TABLES.items()},
    }


def write_page() -> None:
    """Writes the tables into the page, and draws its pictures anew."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_parts(page, parts(), SOURCE), encoding="utf-8")
    runs = read_runs()
    draw_cost(runs, read_results(TIMES_FILE), PAGE.with_name("results-cost.png"))
    draw_losses(runs, PAGE.with_name("results-loss.png"))
    draw_groups(runs, PAGE.with_name("results-groups.png"))
