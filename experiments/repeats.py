"""Runs repeated with the same seed, and their differences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist, median
from typing import Any

from experiments.logs import log_file, read_log, run_id
from experiments.results import EARLIER_FILE, FILE, REAL_FILE, Result, read_results

_MEDIAN = NormalDist().inv_cdf(0.75) * 2**0.5
"""Median distance of two draws of a normal distribution, in its standard deviations."""
_NEAREST = 20
"""Number of repetitions from which the spread of a run is estimated."""


@dataclass
class Repeats:
    """Repetitions that are not in the results file."""

    ends: dict[str, list[float]] = field(default_factory=dict)
    """Their top-1, by `run_id`."""
    distances: list[tuple[float, float]] = field(default_factory=list)
    """Top-1 in the results file, and its distance to a repetition."""

    def of(self, identity: dict[str, Any]) -> list[float]:
        """The repetitions of a run."""
        return self.ends.get(run_id(identity), [])

    def floor(self, top1: float) -> float:
        """The standard deviation of repeated runs, from the repetitions nearest to this top-1."""
        nearest = sorted(self.distances, key=lambda pair: abs(pair[0] - top1))[:_NEAREST]
        return median(far for _, far in nearest) / _MEDIAN if nearest else 0.0


def read_repeats(
    results: Sequence[Result],
    files: Sequence[Path] = (FILE, REAL_FILE),
    earlier: Sequence[Result] | None = None,
) -> Repeats:
    """The repetitions of finished runs, from the logs of results files and from earlier results."""
    logs = [read_log(log_file(path)) for path in files]
    earlier = read_results(EARLIER_FILE) if earlier is None else earlier
    before = [(run_id(result["run"]), result["top1"]) for result in earlier]
    repeats = Repeats()
    for result in results:
        name, top1 = run_id(result["run"]), result["top1"]
        last = [lines[-1] for log in logs for lines in log.get(name, [])]
        ends = [float(line.split()[2].rstrip(",")) for line in last if line.startswith("ends: ")]
        if top1 in ends:  # the run in the file
            ends.remove(top1)
        ends += [end for run, end in before if run == name]
        if ends:
            repeats.ends[name] = ends
            repeats.distances += [(top1, abs(other - top1)) for other in ends]
    return repeats
