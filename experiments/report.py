"""docs/results.md: our figures beside the paper's, from the results file alone."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev

from experiments.ensembles import members
from experiments.report_real import real_section
from experiments.results import FILE, REAL_FILE, Result, by_key, key, read_results
from experiments.spread import spread
from experiments.tables import ENSEMBLES, EXPERIMENTS, Experiment, Row

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "results.md"
PICTURE = DOCS / "results.png"
HEAD = """# Results

The paper's experiments on data that anyone can render: `ordered` at its hard level, {train}
training and {val} held-out clips of 22 classes, 18 of them in pairs that only the order of frames
tells apart ({frames} frames of {side} x {side} pixels). Top-1 in %, mean and standard deviation
over seeds, each of which draws weights, batches, frames and crops anew. A model that is blind to
the order of frames reaches {ceiling:.1f} % at best.

"Pairs" is the share of clips of the pairs that are told from their partner, where 50 is chance;
"reversed" is top-1 with the frames of each clip from last to first. The paper's figures are top-1
on Something-Something v1: another data set, so what can be compared is the order of the rows, and
how far they are apart. `python -m experiments` runs what is missing and writes this page
([how](../experiments/README.md), [data](../experiments/results/ordered.jsonl)).
"""


BEYOND = """## Other frames than those of training

Top-1 of the same networks, as they are, where two of the eight frames are lost and their
neighbours are shown twice ("dropped"), where the eight frames are those of the middle half of the
clip, at twice the frame rate ("middle"), and where 16 frames are shown to a network trained with 8,
its temporal parameters resampled ("16 frames").
"""


def beyond(done: dict[str, Result]) -> str:
    """Markdown: the rows of Tables 2b and 2a on other frames."""
    lines, shown = [], set[str]()
    for name in ("table2b", "table2a"):
        for row in EXPERIMENTS[name].rows:
            runs = [one for one in found_runs(row, EXPERIMENTS[name], done) if "dropped" in one]
            model = row.model.model_dump_json()
            if not runs or model in shown:
                continue
            shown.add(model)
            cells = [[run[figure] for run in runs] for figure in ("top1", "dropped", "middle")]
            cells.append([run["other_frames"]["top1"] for run in runs])
            lines.append(f"| {row.label} | " + " | ".join(map(spread, cells)) + " |")
    if not lines:
        return ""
    head = ["| | top-1 | dropped | middle | 16 frames |", "| --- | ---: | ---: | ---: | ---: |"]
    return "\n".join([*head, *lines])


def found_runs(row: Row, experiment: Experiment, done: dict[str, Result]) -> list[Result]:
    """The finished runs of a row."""
    keys = [key(job.identity()) for one, job in experiment.jobs() if one is row]
    return [done[one] for one in keys if one in done]


def table(name: str, done: dict[str, Result]) -> str:
    """Markdown, a row for each row that has a finished run; empty with fewer than two."""
    experiment, lines = EXPERIMENTS[name], []
    for row in experiment.rows:
        runs = found_runs(row, experiment, done)
        if not runs:
            continue
        pairs = [mean(run["pairs"].values()) for run in runs]
        cells = [
            row.label,
            "" if row.paper is None else f"{row.paper:.1f}",
            spread([run["top1"] for run in runs]),
            str(len(runs)),
            spread(pairs),
            spread([run["reversed"] for run in runs]),
            f"{runs[0]['gflops']:.2f}",
            f"{runs[0]['params_m']:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    found: dict[str, list[float]] = {}
    for label, identity, _ in members(name):
        if result := done.get(key(identity)):
            found.setdefault(label, []).append(result["top1"])
    for label, values in found.items():
        printed = ENSEMBLES[name][label][1]
        paper = "" if printed is None else f"{printed:.1f}"
        lines.append(f"| {label} | {paper} | {spread(values)} | {len(values)} | | | | |")
    if len(lines) < min(2, len(experiment.rows)):
        return ""  # nothing to compare
    return "\n".join(
        [
            "| | paper | top-1 | seeds | pairs | reversed | GFLOPs | M params |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *lines,
        ]
    )


def order(experiment: Experiment, done: dict[str, Result]) -> str:
    """How many pairs of rows are in the paper's order, and which are not, beyond their spread."""
    rows = [
        (row.label, row.paper, [run["top1"] for run in found_runs(row, experiment, done)])
        for row in experiment.rows
        if row.paper is not None
    ]
    rows = [row for row in rows if row[2]]
    same, against, count = 0, [], 0
    for one, other in combinations(rows, 2):
        if one[1] == other[1]:
            continue
        count += 1
        ours, paper = mean(one[2]) - mean(other[2]), one[1] - other[1]
        same += (ours > 0) == (paper > 0)
        if min(len(one[2]), len(other[2])) < 2:
            continue  # without a spread nobody knows
        margin = max(stdev(one[2]), stdev(other[2]))
        if (ours > 0) != (paper > 0) and abs(ours) > margin:
            better, worse = (one, other) if ours > 0 else (other, one)
            against.append(f"{better[0]} above {worse[0]}")
    if not count:
        return ""
    told = f"{same} of {count} pairs of rows are in the paper's order."
    if against:
        told += f" The other way round by more than one standard deviation: {'; '.join(against)}."
    return told


def page(results: Sequence[Result], real: Sequence[Result]) -> str:
    """The whole page, of results on `ordered` and on real clips."""
    from gta.data.ordered import CLASSES, order_blind_ceiling

    done = by_key(results)
    data = EXPERIMENTS["table2b"].jobs()[0][1].data
    parts = [
        HEAD.format(
            train=data.num_train,
            val=data.num_val,
            frames=data.num_frames,
            side=data.side,
            ceiling=100 * order_blind_ceiling([one.key for one in CLASSES]),
        )
    ]
    absent = []
    for name, experiment in EXPERIMENTS.items():
        shown = table(name, done)
        if not shown:
            absent.append(f"`{name}`")
            continue
        parts.append(f"## {experiment.title}\n\n`python -m experiments {name}`\n\n{shown}\n")
        if told := order(experiment, done):
            parts.append(told + "\n")
    if any(table(name, done) for name in EXPERIMENTS):
        parts.append("## Accuracy against cost\n\n![Top-1 over GFLOPs of one clip](results.png)\n")
    if shown := beyond(done):
        parts.append(BEYOND + "\n" + shown + "\n")
    parts.append(real_section(real))
    if absent:
        parts.append(f"Not run yet: {', '.join(absent)}.\n")
    return "\n".join(part for part in parts if part)


def write_page() -> None:
    """The page and its picture, of the results in the repository."""
    results = read_results(FILE)
    PAGE.write_text(page(results, read_results(REAL_FILE)), encoding="utf-8")
    draw(results, PICTURE)


def draw(results: Sequence[Result], path: Path) -> None:
    """Top-1 over GFLOPs, of the rows of Tables 2a and 2b."""
    from matplotlib.figure import Figure

    done = by_key(results)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    shown: set[str] = set()
    for name, colour in (("table2b", "C0"), ("table2a", "C2")):
        for row in EXPERIMENTS[name].rows:
            runs = found_runs(row, EXPERIMENTS[name], done)
            model = row.model.model_dump_json()
            if not runs or model in shown:
                continue
            shown.add(model)
            values = [100 * run["top1"] for run in runs]
            error = stdev(values) if len(values) > 1 else 0.0
            axes.errorbar(runs[0]["gflops"], mean(values), error, fmt="o", color=colour, capsize=3)
            axes.annotate(
                row.label,
                (runs[0]["gflops"], mean(values)),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
            )
    if not shown:
        return
    axes.set_xlabel("GFLOPs of a clip")
    axes.set_ylabel("top-1, %")
    axes.margins(x=0.15)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
