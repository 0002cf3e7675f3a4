"""Of runs that were made again with the same seed: how far apart they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist, median
from typing import Any

from experiments.logs import log_file, read_log, run_id
from experiments.results import EARLIER_FILE, FILE, REAL_FILE, Result, read_results

_MEDIAN = NormalDist().inv_cdf(0.75) * 2**0.5
"""Of how far two draws of a normal distribution are apart, in its standard deviations."""
_NEAREST = 20
"""So many repetitions tell the spread of a run."""


@dataclass
class Repeats:
    """What is known of them."""

    ends: dict[str, list[float]] = field(default_factory=dict)
    """Of each: the top-1 of the times that are not in the results file."""
    apart: list[tuple[float, float]] = field(default_factory=list)
    """The top-1 of the time that is, and how far one of those is from it."""

    def of(self, identity: dict[str, Any]) -> list[float]:
        """The other times of a run."""
        return self.ends.get(run_id(identity), [])

    def spread(self, top1: float) -> float:
        """The standard deviation of a run that is made again: of the repetitions nearest to it."""
        nearest = sorted(self.apart, key=lambda one: abs(one[0] - top1))[:_NEAREST]
        return median(far for _, far in nearest) / _MEDIAN if nearest else 0.0


def read_repeats(
    results: Sequence[Result],
    files: Sequence[Path] = (FILE, REAL_FILE),
    earlier: Sequence[Result] | None = None,
) -> Repeats:
    """Of runs with results, from the logs of results files and from earlier results of theirs."""
    found, logs = Repeats(), [read_log(log_file(path)) for path in files]
    before = dict[str, list[float]]()
    for one in read_results(EARLIER_FILE) if earlier is None else earlier:
        before.setdefault(run_id(one["run"]), []).append(one["top1"])
    for result in results:
        if "ensemble" in result["run"]:
            continue
        name = run_id(result["run"])
        ends = [
            float(words[-1].split()[2].rstrip(","))
            for log in logs
            for words in log.get(name, [])
            if words[-1].startswith("ends: ")
        ]
        if result["top1"] in ends:  # the time that is in the file
            ends.remove(result["top1"])
        ends += before.get(name, [])
        if ends:
            found.ends[name] = ends
            found.apart += [(result["top1"], abs(other - result["top1"])) for other in ends]
    return found
