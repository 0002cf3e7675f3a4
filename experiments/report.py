"""docs/results.md: our figures beside the paper's, from what is in results/ alone."""

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import mean, median

from experiments.claims import claims
from experiments.ensembles import members
from experiments.markdown import filled
from experiments.notes import note
from experiments.real_gap import GAP_FILE
from experiments.repeats import Repeats, read_repeats
from experiments.report_real import real_section
from experiments.results import FILE, REAL_FILE, TIMES_FILE, Result, read_results
from experiments.rows import Found, short_rows
from experiments.spread import (
    Least,
    differ,
    nothing,
    prediction_interval,
    prediction_range,
    spread,
)
from experiments.tables import ENSEMBLES, EXPERIMENTS, Experiment
from experiments.times import BATCHES, ROUNDS, times_apart

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "results.md"
COST_PICTURE = DOCS / "results-cost.png"
GROUPS_PICTURE = DOCS / "results-groups.png"
LOSS_PICTURE = DOCS / "results-loss.png"
_MOST_SEEDS = 20
HEAD = """# Results

The paper's experiments on data that anyone can render: `ordered` at its hard level, {train}
training and {val} held-out clips of 22 classes, 18 of them in pairs that only the order of frames
tells apart ({frames} frames of {side} x {side} pixels). Top-1 in %, mean and standard deviation
over seeds, each of which draws weights, batches, frames and crops anew. "Another seed" is the
interval that has one more run of the row in 19 of 20 cases (Student's t: few seeds know little of
their own spread){later}. A model that is blind to the order of frames reaches {ceiling:.1f} % at
best. {repeats}

"Pairs" is the share of clips of the pairs that are told from their partner, where 50 is chance;
"reversed" is top-1 with the frames of each clip from last to first. The paper's figures are top-1
on Something-Something v1, at 224 pixels, from pretrained weights; ours are from scratch, at 112.
What can be compared is the order of the rows. `python -m experiments` runs what is missing and
writes this page ([how](../experiments/README.md), [data](../experiments/results/ordered.jsonl),
[log](../experiments/results/ordered.log)); {compiled} of the {runs} runs had their training step
compiled.
"""
_FIRST_SEEDS = 3
LATER = """; that of the first {first} seeds of a row has {inside} of {count} later ones"""
REPEATS = """On a GPU sums are not always in the same order, so a seed does not determine a run:
{runs} runs were made again, {count} times in all, some of them with an earlier version of this code
([those](../experiments/results/earlier.jsonl)) or compiled at first, and ended {mean:.1f} points
from the one in the file in the mean, {median:.1f} in the median and {most:.1f} at most. What seeds
differ by includes that; where it is asked what they explain, no row is taken to have a standard
deviation below that of the repetitions nearest to it in top-1 ({low:.1f} to {high:.1f} points)."""
COST = """## Accuracy against cost

{about}

![Top-1 over the cost of one clip](results-cost.png)
"""
VARIANTS = "The networks of Tables 2, 3, 5 and 7 with 8 frames (R2D-18)."
TIMES = """ Milliseconds are of inference alone, the quickest of {rounds} batches, on {devices}
(`python -m experiments.times`, [data](../experiments/results/times.jsonl))."""
TIMED_AGAIN = """ Measured again, a network was up to {apart} from itself: what is closer together
cannot be told apart. The picture has the quickest of all."""
HOW_TIMED = {
    "cpu": "one thread of a CPU ({hardware}), {cpu} clips at once in float32",
    "cuda": "an {hardware}, {cuda} clips at once in bfloat16, as a CUDA graph",
}
PICTURES = {
    "figure5": "![Top-1 over the number of groups, single runs in grey](results-groups.png)\n",
    "steps": "![Loss over the steps of training, each run a line](results-loss.png)\n",
}
"""Below the tables of these experiments."""
BEYOND = """## Other frames than those of training

Top-1 of the same networks, as they are, where two of the eight frames are lost and their
neighbours are shown twice ("dropped"), where the eight frames are those of the middle half of the
clip, at twice the frame rate ("middle"), and where 16 or 32 frames are shown to a network trained
with 8, its temporal parameters resampled (32 frames: the first 1000 held-out clips rendered with
twice as many). More frames of the same clip are closer together in time: GTA's matrices can be
resampled to that, while TSM shifts by one frame as before, which is less time than it learned.
"""
OTHER_FRAMES = ("table2b", "table2a", "tsm")
"""Experiments whose rows are in that table, if they were trained with 8 frames."""


def told_later(found: Found, least: Least = nothing) -> str:
    """How many runs are where the first seeds of their row have another; empty without any."""
    inside = list[bool]()
    for runs in found.all():
        top1 = [run["top1"] for run in runs]
        first, later = top1[:_FIRST_SEEDS], top1[_FIRST_SEEDS:]
        if later and (within := prediction_range(first, least)):
            inside += [within[0] <= one <= within[1] for one in later]
    if not inside:
        return ""
    return LATER.format(count=len(inside), inside=sum(inside), first=_FIRST_SEEDS)


def told_twice(repeats: Repeats, found: Found) -> str:
    """What runs with the same seed say; empty without any."""
    if not repeats.apart:
        return ""
    points = [100 * far for _, far in repeats.apart]
    rows = [100 * repeats.spread(mean(run["top1"] for run in runs)) for runs in found.all()]
    return REPEATS.format(
        **{"runs": len(repeats.ends), "count": len(points)},
        **{"mean": mean(points), "median": median(points), "most": max(points)},
        **{"low": min(rows), "high": max(rows)},
    )


def beyond(found: Found) -> str:
    """Markdown: rows on other frames."""
    lines = []
    for name, row, label in short_rows(OTHER_FRAMES):
        runs = [one for one in found.of(row, EXPERIMENTS[name]) if "longer" in one]
        if not runs:
            continue
        cells = [[run[figure] for run in runs] for figure in ("top1", "dropped", "middle")]
        cells.append([run["other_frames"]["top1"] for run in runs])
        cells.append([run["longer"]["top1"] for run in runs])
        lines.append(f"| {label} | {len(runs)} | " + " | ".join(map(spread, cells)) + " |")
    if not lines:
        return ""
    head = [
        "| | seeds | top-1 | dropped | middle | 16 frames | 32 frames |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    return "\n".join([*head, *lines])


def how_timed(times: Sequence[Result]) -> str:
    """What the milliseconds are; empty without any."""
    if not times:
        return ""
    devices = {time["hardware"]: time["device"] for time in times}
    how = [HOW_TIMED[kind].format(hardware=name, **BATCHES) for name, kind in devices.items()]
    told = TIMES.format(rounds=ROUNDS, devices="; on ".join(how))
    again = [times_apart([time for time in times if time["hardware"] == one]) for one in devices]
    if not any(again):
        return told
    apart = " and ".join(
        f"{share:.1%} ({one})" for share, one in zip(again, devices, strict=True) if share
    )
    return told + TIMED_AGAIN.format(apart=apart)


def table(name: str, found: Found, repeats: Repeats) -> str:
    """Markdown, a row for each row that has a finished run; empty with fewer than two."""
    experiment, lines = EXPERIMENTS[name], []
    for row in experiment.rows:
        runs = found.of(row, experiment)
        if not runs:
            continue
        top1 = [run["top1"] for run in runs]
        cells = [
            row.label,
            "" if row.paper is None else f"{row.paper:.1f}",
            spread(top1),
            prediction_interval(top1, repeats.spread),
            str(len(runs)),
            spread([mean(run["pairs"].values()) for run in runs]),
            spread([run["reversed"] for run in runs]),
            f"{runs[0]['gflops']:.2f}",
            f"{runs[0]['params_m']:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    ensembles: dict[str, list[float]] = {}
    for label, identity, _ in members(name, _MOST_SEEDS):
        if result := found.get(identity):
            ensembles.setdefault(label, []).append(result["top1"])
    for label, values in ensembles.items():
        printed = ENSEMBLES[name][label][1]
        paper = "" if printed is None else f"{printed:.1f}"
        another = prediction_interval(values, repeats.spread)
        cells = [label, paper, spread(values), another, str(len(values))]
        lines.append("| " + " | ".join(cells) + " | | | | |")
    if len(lines) < min(2, len(experiment.rows)):
        return ""  # nothing to compare
    return "\n".join(
        [
            "| | paper | top-1 | another seed | seeds | pairs | reversed | GFLOPs | M params |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *lines,
        ]
    )


def order(experiment: Experiment, found: Found, least: Least = nothing) -> str:
    """How many pairs of rows are in the paper's order, and which are not."""
    rows = [
        (row.label, row.paper, found.top1(row, experiment))
        for row in experiment.rows
        if row.paper is not None
    ]
    rows = [row for row in rows if row[2]]
    sure, testable, against, count = 0, 0, [], 0
    for one, other in combinations(rows, 2):
        if one[1] == other[1]:
            continue
        count += 1
        ours, paper = mean(one[2]) - mean(other[2]), one[1] - other[1]
        is_sure = differ(one[2], other[2], least)
        if (ours > 0) == (paper > 0):
            testable += min(len(one[2]), len(other[2])) > 1
            sure += is_sure
        else:
            better, worse = (one, other) if ours > 0 else (other, one)
            against.append(f"{better[0]} above {worse[0]}" + (" (beyond seeds)" if is_sure else ""))
    if count < 2:
        return ""
    told = f"{count - len(against)} of {count} pairs of rows are in the paper's order"
    if testable:
        every = testable == count - len(against)
        of_those = "of them" if every else f"of the {testable} with several seeds each"
        told += f", {sure} {of_those} by more than seeds explain (Welch's t-test, p < 0.05)"
    if against:
        told += f". The other way round: {'; '.join(against)}"
    return filled(f"{told}.")


def page() -> str:
    """The whole page, of the results in the repository."""
    from gta.ordered import CLASSES, order_blind_ceiling

    results, times = read_results(FILE), read_results(TIMES_FILE)
    found, repeats = Found(results), read_repeats(results)
    data = EXPERIMENTS["table2b"].jobs()[0][1].data
    runs = [result for result in results if "ensemble" not in result["run"]]
    head = HEAD.format(
        train=data.num_train,
        val=data.num_val,
        frames=data.num_frames,
        side=data.side,
        ceiling=100 * order_blind_ceiling([one.key for one in CLASSES]),
        later=told_later(found, repeats.spread),
        repeats=told_twice(repeats, found),
        runs=len(runs),
        compiled=sum(run["compiled"] for run in runs),
    )
    parts = [filled(head) + "\n"]
    if told := claims(found, repeats.spread):
        parts.append(told)
    absent = []
    for name, experiment in EXPERIMENTS.items():
        shown = table(name, found, repeats)
        if not shown:
            absent.append(f"`{name}`")
            continue
        parts.append(f"## {experiment.title}\n\n`python -m experiments {name}`\n\n{shown}\n")
        if name in PICTURES:
            parts.append(PICTURES[name])
        words = (order(experiment, found, repeats.spread), note(name, found, repeats))
        parts += [f"{told}\n" for told in words if told]
    if len(absent) < len(EXPERIMENTS):
        parts.append(filled(COST.format(about=VARIANTS + how_timed(times))) + "\n")
    if shown := beyond(found):
        parts.append(BEYOND + "\n" + shown + "\n")
    gap = json.loads(GAP_FILE.read_text(encoding="utf-8"))
    real = read_results(REAL_FILE)
    parts.append(real_section(real, gap, read_repeats(real, [REAL_FILE], [])))
    if absent:
        parts.append(f"Not run yet: {', '.join(absent)}.\n")
    return "\n".join(part for part in parts if part)


def write_page() -> None:
    """The page and its pictures, of the results in the repository."""
    from experiments.pictures import draw_cost, draw_groups, draw_losses

    results, times = read_results(FILE), read_results(TIMES_FILE)
    PAGE.write_text(page(), encoding="utf-8")
    draw_cost(results, times, COST_PICTURE)
    draw_losses(results, LOSS_PICTURE)
    draw_groups(results, GROUPS_PICTURE)
