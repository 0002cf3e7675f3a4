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


def prediction_interval(values: Sequence[float], least: float = 0.0) -> str:
    """Where one more seed is in 19 of 20 cases, in %: Student's t; empty with fewer than two.

    `least` is the standard deviation that is taken where that of the values is smaller.
    """
    from scipy.stats import t  # pip install -e ".[experiments]"

    if len(values) < 2:
        return ""
    count = len(values)
    reach = t.ppf((1 + _SURE) / 2, count - 1) * max(stdev(values), least) * (1 + 1 / count) ** 0.5
    low, high = max(mean(values) - reach, 0), min(mean(values) + reach, 1)
    return f"{100 * low:.1f} to {100 * high:.1f}"


def welch_interval(some: Sequence[float], others: Sequence[float]) -> tuple[float, float] | None:
    """Welch's 95 % interval of how far some are above others; None where a spread is not known."""
    from scipy.stats import ttest_ind

    if min(len(some), len(others)) < 2:
        return None
    if stdev(some) == stdev(others) == 0:
        return mean(some) - mean(others), mean(some) - mean(others)
    low, high = ttest_ind(some, others, equal_var=False).confidence_interval(_SURE)
    return float(low), float(high)


def differ(some: Sequence[float], others: Sequence[float]) -> bool:
    """Whether the means are further apart than seeds explain: Welch's t-test, p < 0.05."""
    interval = welch_interval(some, others)
    return interval is not None and (interval[0] > 0 or interval[1] < 0)
