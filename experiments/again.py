"""Tables 2a and 2b repeated with today's trainer: do the new runs agree with the old runs?"""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

from experiments.markdown import table
from experiments.rows import Runs, short_rows
from experiments.significance import Floor, prediction_interval, span, t_interval

TABLES = ("table2b", "table2a")
TRAINER = "2026-11-29"
"""From this day on, runs are trained with the step and the loop of `gta train`."""
Interval = tuple[float, float]


class Repeated(NamedTuple):
    """A row with repeated seeds; top-1, 0 to 1."""

    label: str
    before: dict[int, float]
    """All runs in the results file, by seed."""
    again: dict[int, float]
    """The repeated runs, by seed."""
    other_trainer: bool
    """Whether the runs in the results file precede `TRAINER`."""

    def interval(self, floor: Floor) -> Interval | None:
        """Prediction interval of the row, as in its table."""
        return prediction_interval(list(self.before.values()), floor)

    def of_others(self, floor: Floor) -> Interval | None:
        """Prediction interval of its other seeds, whose draws the new runs do not share."""
        others = [top1 for seed, top1 in self.before.items() if seed not in self.again]
        return prediction_interval(others, floor)

    def changes(self) -> list[float]:
        """The difference of each new run to the old run of its seed."""
        return [top1 - self.before[seed] for seed, top1 in self.again.items()]


def repeated_rows(runs: Runs, again: Runs) -> list[Repeated]:
    """The rows of `TABLES` with repeated seeds, each network once."""
    rows = []
    for name, row in short_rows(TABLES):
        old = runs.of(name, row.label)
        before, new = (
            {run["run"]["seed"]: run["top1"] for run in group}
            for group in (old, again.of(name, row.label))
        )
        new = {seed: top1 for seed, top1 in new.items() if seed in before}
        if new:
            earlier = all(run["date"] < TRAINER for run in old)
            rows.append(Repeated(row.label.removeprefix("+ "), before, new, earlier))
    return rows


def within(rows: Sequence[Repeated], intervals: Sequence[Interval | None]) -> int:
    """How many of the new runs are in the prediction interval of their row."""
    return sum(
        interval is not None and interval[0] <= top1 <= interval[1]
        for row, interval in zip(rows, intervals, strict=True)
        for top1 in row.again.values()
    )


def shift(rows: Sequence[Repeated]) -> tuple[float, float, float]:
    """The mean difference of new to old runs of the same seeds, and its 95 % interval."""
    changes = [change for row in rows for change in row.changes()]
    error = stdev(changes) / len(changes) ** 0.5
    return mean(changes), *t_interval(mean(changes), error, len(changes) - 1)


def again_table(rows: Sequence[Repeated], floor: Floor) -> str:
    """A line for each row: its intervals, each seed before and again, and how many are within."""
    seeds = sorted({seed for row in rows for seed in row.again})
    lines = []
    for row in rows:
        intervals = (row.interval(floor), row.of_others(floor))
        counts = [within([row], [interval]) for interval in intervals]
        pairs = [(row.before[seed], row.again[seed]) if seed in row.again else () for seed in seeds]
        cells = [", ".join(f"{100 * top1:.1f}" for top1 in pair) for pair in pairs]
        inside = [f"{count} of {len(row.again)}" for count in counts]
        lines.append(
            [row.label, span(intervals[0]), *cells, inside[0], span(intervals[1]), inside[1]]
        )
    head = ["", "95 % prediction interval", *(f"seed {seed}: before, again" for seed in seeds)]
    return table([*head, "within", "interval of the other seeds", "within"], lines)
