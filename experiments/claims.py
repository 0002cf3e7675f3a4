"""The paper's claims about pairs of rows, and the differences here."""

import csv
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from experiments.markdown import table
from experiments.rows import Runs
from experiments.significance import Difference, benjamini_hochberg, welch
from experiments.tables import EXPERIMENTS


class Pair(NamedTuple):
    """Two rows of an experiment."""

    experiment: str
    better: str
    """The better row in the paper."""
    worse: str

    @property
    def paper(self) -> float:
        """The printed difference in points."""
        better, worse = (EXPERIMENTS[self.experiment].row(row).paper or 0 for row in self[1:])
        return better - worse

    def __str__(self) -> str:
        short = [row.removeprefix("+ ").partition(" (")[0].replace(", ", " ") for row in self[1:]]
        where = {"harder": ", harder level", "slowfast": ", SlowFast"}.get(self.experiment, "")
        return " over ".join(short) + ("" if "SlowFast" in short else where)


CLAIMS = dict[str, list[Pair]]()
"""For each claim of the paper, the pairs of rows that show it."""
with (Path(__file__).parent / "claims.csv").open(encoding="utf-8", newline="") as file:
    for words, *pair in list(csv.reader(file))[1:]:
        CLAIMS.setdefault(words, []).append(Pair(*pair))


def compare(runs: Runs) -> dict[Pair, Difference]:
    """Welch's test, Benjamini-Hochberg corrected, of all pairs whose rows have several seeds."""
    tested = dict[Pair, Difference]()
    for pair in (pair for pairs in CLAIMS.values() for pair in pairs):
        better, worse = (runs.top1(pair.experiment, row) for row in pair[1:])
        if difference := welch(better, worse, runs.repeats.floor):
            tested[pair] = difference
    return benjamini_hochberg(tested)


def verdict(difference: Difference) -> str:
    """Whether a difference supports the claim."""
    return ("yes" if difference.mean > 0 else "reversed") if difference.significant else "no"


def comparison_table(tested: Mapping[Pair, Difference]) -> str:
    """Every pair that `compare` has tested, under its claim."""
    lines = list[list[str]]()
    for words, pairs in CLAIMS.items():
        lines.append([f"**{words}**", *[""] * 4])
        for pair in pairs:
            if here := tested.get(pair):
                p = f"{here.p:.3f}".replace("0.000", "<0.001")
                lines.append([str(pair), f"{pair.paper:+.1f}", str(here), p, verdict(here)])
    return table(["", "paper", "here (95 % interval)", "p", "significant"], lines)


def summary_table(tested: Mapping[Pair, Difference]) -> str:
    """A line for each claim, with the range of its differences."""
    lines = []
    for words, pairs in CLAIMS.items():
        if shown := {pair: tested[pair] for pair in pairs if pair in tested}:
            counts = Counter(map(verdict, shown.values()))
            result = f"{counts['yes']} of {len(shown)}"
            result += f", {counts['reversed']} reversed" if counts["reversed"] else ""
            here = [100 * difference.mean for difference in shown.values()]
            lines.append([words, _range([pair.paper for pair in shown]), _range(here), result])
    return table(["the paper's claim", "paper, points", "here, points", "significant"], lines)


def order_table(runs: Runs) -> str:
    """Counts pairs of rows in the paper's order, for experiments with accuracies in the paper."""
    lines = []
    for name, experiment in EXPERIMENTS.items():
        rows = sorted((row.paper, row.label) for row in experiment.rows if row.paper is not None)
        above = [
            welch(runs.top1(name, better), runs.top1(name, worse), runs.repeats.floor)
            for (low, worse), (high, better) in combinations(rows, 2)
            if low < high
        ]
        same = [pair.significant for pair in above if pair and pair.mean > 0]
        other = [pair.significant for pair in above if pair and pair.mean <= 0]
        if len(same + other) > 1:
            counts = (len(same + other), len(same), sum(same), len(other), sum(other))
            lines.append([experiment.title, *map(str, counts)])
    head = ["", "pairs of rows", "in the paper's order", "significant", "reversed", "significant"]
    return table(head, lines)


def _range(values: list[float]) -> str:
    return f"{min(values):+.1f} to {max(values):+.1f}"
