"""Statistics over seeds, by scipy: spreads, prediction intervals, tests of differences.

A `floor` gives, for a mean, the least standard deviation: few seeds can be close together by chance
(`experiments.repeats`).
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from math import hypot
from statistics import mean, stdev
from typing import NamedTuple, TypeVar

from scipy import stats  # pip install -e ".[experiments]"

from gta.evaluation.significance import wilson_interval

K = TypeVar("K")
ALPHA = 0.05
"""Level of the tests; intervals are of 1 - ALPHA."""
Floor = Callable[[float], float]


def mean_std(values: Sequence[float]) -> str:
    """Mean and standard deviation of shares, in %; empty without values."""
    if not values:
        return ""
    deviation = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.1f}{deviation}"


def span(interval: tuple[float, float] | None, digits: int = 1) -> str:
    """An interval of shares, in %; empty without an interval."""
    return "" if interval is None else " to ".join(f"{100 * end:.{digits}f}" for end in interval)


def mean_interval(values: Sequence[float], count: int) -> tuple[float, float]:
    """Wilson's interval of a mean accuracy over `count` clips."""
    return wilson_interval(round(mean(values) * count), count)


def prediction_interval(
    values: Sequence[float], floor: Floor = lambda _: 0.0
) -> tuple[float, float] | None:
    """The 95 % prediction interval of a further seed (Student's t), 0 to 1; None for one value."""
    if len(values) < 2:
        return None
    count, middle = len(values), mean(values)
    deviation = max(stdev(values), floor(middle)) * (1 + 1 / count) ** 0.5
    reach = float(stats.t.ppf(1 - ALPHA / 2, count - 1)) * deviation
    return max(middle - reach, 0), min(middle + reach, 1)


class Difference(NamedTuple):
    """The difference of two means, with its 95 % interval and two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        return self.p < ALPHA

    def __str__(self) -> str:
        """The difference and its interval in points."""
        return f"{100 * self.mean:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


def welch(
    a: Sequence[float], b: Sequence[float], floor: Floor = lambda _: 0.0
) -> Difference | None:
    """Welch's t-test of a minus b; None with a single value, or without any spread."""
    if min(len(a), len(b)) < 2 or not stdev(a) + stdev(b):
        return None
    with warnings.catch_warnings(action="ignore"):  # one of the two may have no spread
        freedom = stats.ttest_ind(
            a, b, equal_var=False
        ).df  # without the floor, which adds no information
    error = hypot(*(max(stdev(x), floor(mean(x))) / len(x) ** 0.5 for x in (a, b)))
    return _difference(mean(a) - mean(b), error, freedom)


def against_control(
    control: Sequence[float], rows: Mapping[str, Sequence[float]], floor: Floor = lambda _: 0.0
) -> dict[str, Difference]:
    """Each row minus the control: t-tests with a pooled variance, Bonferroni-corrected."""
    groups = [control, *rows.values()]
    freedom = sum(len(group) - 1 for group in groups)
    pooled = (
        sum((len(group) - 1) * stdev(group) ** 2 for group in groups if len(group) > 1) / freedom
    )
    deviation = max(pooled**0.5, floor(mean(control)))
    return {
        name: _difference(
            mean(values) - mean(control),
            deviation * (1 / len(values) + 1 / len(control)) ** 0.5,
            freedom,
            len(rows),
        )
        for name, values in rows.items()
    }


def t_interval(middle: float, error: float, freedom: float, tests: int = 1) -> tuple[float, float]:
    """Student's t interval of a mean with that standard error, Bonferroni-corrected for `tests`."""
    low, high = stats.t.interval(1 - ALPHA / tests, freedom, middle, error)
    return float(low), float(high)


def _difference(by: float, error: float, freedom: float, tests: int = 1) -> Difference:
    p = min(2 * tests * float(stats.t.sf(abs(by) / error, freedom)), 1)
    return Difference(by, *t_interval(by, error, freedom, tests), p)


def benjamini_hochberg(differences: Mapping[K, Difference]) -> dict[K, Difference]:
    """The differences with p-values corrected for the false discovery rate."""
    corrected = stats.false_discovery_control([difference.p for difference in differences.values()])
    return {
        name: difference._replace(p=float(p))
        for (name, difference), p in zip(differences.items(), corrected, strict=True)
    }
