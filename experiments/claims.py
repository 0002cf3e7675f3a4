"""What the paper claims, and what becomes of it here: pairs of rows, and how far they are apart."""

from dataclasses import dataclass
from statistics import mean

from experiments.rows import Found
from experiments.spread import Apart, Least, corrected, nothing, welch
from experiments.tables import EXPERIMENTS, Row

Pair = tuple[str, str, str]
"""Experiment, the row that should be better, the row that should be worse."""


@dataclass(frozen=True)
class Claim:
    """Some rows are better than others."""

    words: str
    pairs: tuple[Pair, ...]


def _each(experiment: str, better: str, worse: str, *kinds: str) -> tuple[Pair, ...]:
    """The same pair of rows for each kind, which takes the place of {}."""
    return tuple((experiment, better.format(kind), worse.format(kind)) for kind in kinds)


CLAIMS = (
    Claim(
        "Time apart from space is better than both at once",
        (
            ("table1", "+ DNL", "+ NL"),
            *_each("table3", "{}, decoupled", "{}", "CGNL", "GCNet", "GloRe"),
        ),
    ),
    Claim(
        "One matrix for all clips is better than comparing frames",
        (
            ("table1", "+ GTA", "+ DNL"),
            ("table2b", "+ SA + GTA", "+ SA + TA"),
            ("table2b", "+ SA + GTA", "+ SA + TAPE"),
            *_each("table7", "pixel GTA, G = {}", "TAPE, G = {}", "1", "8"),
            ("slowfast", "+ GTA", "+ DNL"),
        ),
    ),
    Claim(
        "Pixels and regions complement each other",
        tuple(
            (name, f"pixel + region, G = {groups}", f"{branch}, G = {groups}")
            for name in ("table2a", "harder")
            for groups in (8, 1)
            for branch in ("pixel", "region")
        ),
    ),
    Claim(
        "Heads that mix groups of channels help",
        (
            *_each("table2a", "{}, G = 8", "{}, G = 1", "pixel + region", "pixel", "region"),
            *_each("table7", "{}, G = 8", "{}, G = 1", "TAPE", "SA + TAPE", "pixel GTA"),
            *_each("harder", "{}, G = 8", "{}, G = 1", "pixel + region", "pixel", "region"),
        ),
    ),
    Claim(
        "Spatial attention before the temporal one helps",
        (
            ("table2b", "+ SA + TA", "+ TA"),
            *_each(
                "table7", "SA + {}", "{}", "TAPE, G = 1", "pixel GTA, G = 1", "pixel GTA, G = 8"
            ),
        ),
    ),
    Claim(
        "Blocks in more places are better",
        (
            ("table2c", "res3 + 1, res4 + 1", "res3 + 1"),
            ("table2c", "res3 + 1, res4 + 1", "res4 + 1"),
            ("table2c", "res3 + 1, res4 + 2 (the paper: + 2, + 3)", "res3 + 1, res4 + 1"),
        ),
    ),
    Claim(
        "GTA adds to TSM and to SlowFast, TSM to GTA, and 16 frames to 8",
        (
            ("tsm", "TSM + GTA, 8 frames", "TSM, 8 frames"),
            ("slowfast", "+ GTA", "SlowFast"),
            ("tsm", "TSM + GTA, 8 frames", "GTA, 8 frames"),
            *_each("tsm", "{}, 16 frames", "{}, 8 frames", "GTA", "TSM + GTA"),
        ),
    ),
)
WHERE = {"harder": ", harder level", "slowfast": ", SlowFast"}
"""What is said of pairs of an experiment whose rows are named as another's."""
HEAD = """## What became of the paper's claims

Differences of top-1 in points, with Welch's 95 % interval over seeds; the tables are below. "yes"
and "no": p < 0.05 after Benjamini and Hochberg's correction for so many comparisons, so that one in
twenty of these words may be wrong; "open": anything else. Tables 2a, 2b, 7 and that of SlowFast
have more seeds than others because the first two or three left much open; to have looked at those
makes a wrong word a little more frequent.
"""


def claims(found: Found, least: Least = nothing) -> str:
    """Markdown: of each claim the pairs whose rows have run; empty without any."""
    top1 = {pair: _top1(pair, found) for claim in CLAIMS for pair in claim.pairs}
    tested = {pair: one for pair, both in top1.items() if (one := welch(*both, least))}
    apart, lines = corrected(tested), list[str]()
    for claim in CLAIMS:
        told = [_line(pair, top1[pair], apart.get(pair)) for pair in claim.pairs if all(top1[pair])]
        if told:
            lines += [f"| **{claim.words}** | | | |", *told]
    if not lines:
        return ""
    head = ["| | paper | here | |", "| --- | ---: | ---: | --- |"]
    return "\n".join([HEAD, *head, *lines, ""])


def _top1(pair: Pair, found: Found) -> tuple[list[float], list[float]]:
    experiment = EXPERIMENTS[pair[0]]
    some, others = (found.top1(experiment.row(label), experiment) for label in pair[1:])
    return some, others


def _line(pair: Pair, top1: tuple[list[float], list[float]], apart: Apart | None) -> str:
    better, worse = (EXPERIMENTS[pair[0]].row(label) for label in pair[1:])
    paper = ""
    if better.paper is not None and worse.paper is not None:
        paper = f"{better.paper - worse.paper:+.1f}"
    here, verdict = f"{100 * (mean(top1[0]) - mean(top1[1])):+.1f}", "open"
    if apart is not None:  # else a row has only one seed
        here = str(apart)
        if apart.is_sure:
            verdict = "yes" if apart.mean > 0 else "no"
    words, about = f"{_plain(better)} over {_plain(worse)}", WHERE.get(pair[0], "")
    words += "" if about.strip(", ") in words else about
    return f"| {words} | {paper} | {here} | {verdict} |"


def _plain(row: Row) -> str:
    return row.label.removeprefix("+ ").partition(" (")[0].replace(", ", " ")
