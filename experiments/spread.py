"""Several seeds in one cell, and what they say of others.

`least` gives, for a mean, the standard deviation that is taken where that of the values is smaller:
few seeds can be close together by chance (`experiments.repeats`).
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev
from typing import NamedTuple, TypeVar

K = TypeVar("K")
SURE = 0.95
Least = Callable[[float], float]


def nothing(_: float) -> float:
    """No such standard deviation."""
    return 0.0


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation of shares, in %; empty without values."""
    if not values:
        return ""
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    return f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}"


def prediction_range(values: Sequence[float], least: Least = nothing) -> tuple[float, float] | None:
    """Where one more seed is in 19 of 20 cases: Student's t; None with fewer than two."""
    from scipy.stats import t  # pip install -e ".[experiments]"

    if len(values) < 2:
        return None
    count, middle = len(values), mean(values)
    deviation = max(stdev(values), least(middle)) * (1 + 1 / count) ** 0.5
    reach = float(t.ppf((1 + SURE) / 2, count - 1)) * deviation
    return max(middle - reach, 0), min(middle + reach, 1)


def prediction_interval(values: Sequence[float], least: Least = nothing) -> str:
    """`prediction_range` in %; empty where there is none."""
    within = prediction_range(values, least)
    return "" if within is None else f"{100 * within[0]:.1f} to {100 * within[1]:.1f}"


class Apart(NamedTuple):
    """How far some are above others."""

    mean: float
    low: float
    high: float
    """Of the 95 % interval."""
    p: float
    """Of a difference as large as this if there were none."""

    @property
    def is_sure(self) -> bool:
        """Whether it is more than seeds explain."""
        return self.p < 1 - SURE

    def __str__(self) -> str:
        """In points."""
        return f"{100 * self.mean:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


def welch(some: Sequence[float], others: Sequence[float], least: Least = nothing) -> Apart | None:
    """Welch's t-test; None where a spread is not known."""
    if min(len(some), len(others)) < 2:
        return None
    both = some, others
    own = [(stdev(one) ** 2 / len(one), len(one) - 1) for one in both]
    variance = sum(max(stdev(one), least(mean(one))) ** 2 / len(one) for one in both)
    spent = sum(part**2 / count for part, count in own)  # of their own: `least` tells no more
    freedom = sum(part for part, _ in own) ** 2 / spent if spent else min(count for _, count in own)
    return _apart(mean(some) - mean(others), variance**0.5, freedom)


def differ(some: Sequence[float], others: Sequence[float], least: Least = nothing) -> bool:
    """Whether the means are further apart than seeds explain: Welch's t-test, p < 0.05."""
    apart = welch(some, others, least)
    return apart is not None and apart.is_sure


def apart_from(
    control: Sequence[float], rows: Mapping[str, Sequence[float]], least: Least = nothing
) -> dict[str, Apart]:
    """How far each of several rows is above one: t-tests with one variance for all of them.

    Bonferroni's correction is in the intervals and in the probabilities.
    """
    everything = [control, *rows.values()]
    freedom = sum(len(one) - 1 for one in everything)
    common = sum((len(one) - 1) * stdev(one) ** 2 for one in everything if len(one) > 1) / freedom
    deviation = max(common**0.5, least(mean(control)))
    return {
        name: _apart(
            mean(values) - mean(control),
            deviation * (1 / len(values) + 1 / len(control)) ** 0.5,
            freedom,
            len(rows),
        )
        for name, values in rows.items()
    }


def _apart(difference: float, error: float, freedom: float, tests: int = 1) -> Apart:
    from scipy.stats import t

    if error == 0:
        return Apart(difference, difference, difference, float(difference == 0))
    reach = float(t.ppf(1 - (1 - SURE) / 2 / tests, freedom)) * error
    p = min(2 * float(t.sf(abs(difference) / error, freedom)) * tests, 1)
    return Apart(difference, difference - reach, difference + reach, p)


def corrected(apart: Mapping[K, Apart]) -> dict[K, Apart]:
    """With Benjamini and Hochberg's correction: of those that are sure, one in twenty is wrong."""
    from scipy.stats import false_discovery_control

    if not apart:
        return {}
    found = false_discovery_control([one.p for one in apart.values()]).tolist()
    return {name: one._replace(p=p) for (name, one), p in zip(apart.items(), found, strict=True)}
