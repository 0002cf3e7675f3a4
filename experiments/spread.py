"""Several seeds in one cell, and what they say of others."""

from collections.abc import Sequence
from statistics import mean, stdev

_SURE = 0.95


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation of shares, in %; empty without values."""
    if not values:
        return ""
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    return f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}"


def prediction_range(values: Sequence[float], least: float = 0.0) -> tuple[float, float] | None:
    """Where one more seed is in 19 of 20 cases: Student's t; None with fewer than two.

    `least` is the standard deviation that is taken where that of the values is smaller.
    """
    from scipy.stats import t  # pip install -e ".[experiments]"

    if len(values) < 2:
        return None
    count = len(values)
    reach = t.ppf((1 + _SURE) / 2, count - 1) * max(stdev(values), least) * (1 + 1 / count) ** 0.5
    return max(mean(values) - reach, 0), min(mean(values) + reach, 1)


def prediction_interval(values: Sequence[float], least: float = 0.0) -> str:
    """`prediction_range` in %; empty where there is none."""
    within = prediction_range(values, least)
    return "" if within is None else f"{100 * within[0]:.1f} to {100 * within[1]:.1f}"


def welch_interval(
    some: Sequence[float], others: Sequence[float], least: float = 0.0
) -> tuple[float, float] | None:
    """Welch's 95 % interval of how far some are above others; None where a spread is not known.

    `least` is the standard deviation that is taken where that of the values is smaller.
    """
    from scipy.stats import t

    if min(len(some), len(others)) < 2:
        return None
    apart = mean(some) - mean(others)
    own = [(stdev(one) ** 2 / len(one), len(one) - 1) for one in (some, others)]
    variance = sum(max(stdev(one), least) ** 2 / len(one) for one in (some, others))
    if variance == 0:
        return apart, apart
    spent = sum(part**2 / count for part, count in own)  # of their own: `least` tells no more
    freedom = sum(part for part, _ in own) ** 2 / spent if spent else min(count for _, count in own)
    reach = float(t.ppf((1 + _SURE) / 2, freedom)) * variance**0.5
    return apart - reach, apart + reach


def difference(
    some: Sequence[float], others: Sequence[float], interval: tuple[float, float] | None
) -> str:
    """How far some are above others, in points, and the interval where there is one."""
    told = f"{100 * (mean(some) - mean(others)):+.1f}"
    if interval is None:
        return told
    low, high = interval
    return f"{told} ({100 * low:+.1f} to {100 * high:+.1f})"


def differ(some: Sequence[float], others: Sequence[float], least: float = 0.0) -> bool:
    """Whether the means are further apart than seeds explain: Welch's t-test, p < 0.05."""
    interval = welch_interval(some, others, least)
    return interval is not None and (interval[0] > 0 or interval[1] < 0)


def any_differ(rows: Sequence[Sequence[float]]) -> float:
    """The probability of rows as far apart as these if none differed: analysis of variance."""
    from scipy.stats import f_oneway

    return float(f_oneway(*rows).pvalue)
