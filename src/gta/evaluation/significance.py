"""Confidence intervals of accuracies and of their differences, and McNemar's test, from counts."""

from math import sqrt

Z95 = 1.959963984540054
"""Half-width of the central 95 % of a standard normal distribution."""


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a share `correct / total` (Wilson 1927); each end 0 to 1.

    Valid also for shares near 0 or 1, and for few videos. No videos: 0 to 1.
    """
    if total == 0:
        return 0.0, 1.0
    share, spread = correct / total, Z95**2 / total
    center = share + spread / 2
    half = sqrt(spread * (share * (1 - share) + spread / 4))
    low, high = (center - half) / (1 + spread), (center + half) / (1 + spread)
    # exactly 0 and 1, or rounding could leave the share itself outside
    return (0.0 if correct == 0 else low), (1.0 if correct == total else high)


def paired_interval(both: int, only_a: int, only_b: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of accuracy B minus accuracy A on the same videos; each end -1 to 1.

    Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10: the Wilson intervals of the
    two, joined with the correlation of their answers.

    Args:
        both: Videos that both models classify correctly.
        only_a: Videos that only A classifies correctly.
        only_b: Videos that only B classifies correctly.
        neither: Videos that neither does.
    """
    total = both + only_a + only_b + neither
    if total == 0:
        return -1.0, 1.0
    correct_a, correct_b = both + only_a, both + only_b
    a, b = correct_a / total, correct_b / total
    (low_a, high_a), (low_b, high_b) = (wilson_interval(n, total) for n in (correct_a, correct_b))
    phi = _correlation(both, only_a, only_b, neither)
    down, up = (b - low_b, high_a - a), (high_b - b, a - low_a)
    difference = (only_b - only_a) / total
    return difference - _joined(*down, phi), difference + _joined(*up, phi)


def _joined(x: float, y: float, phi: float) -> float:
    return sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """The phi coefficient of the 2 x 2 table, continuity-corrected where it is positive."""
    total = both + only_a + only_b + neither
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    cross = both * neither - only_a * only_b
    if cross > 0:
        cross = max(cross - total / 2, 0.0)
    return cross / sqrt(margins)


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided p-value of McNemar's exact test (1947) that A and B are equally good.

    If they are, each video on which they differ is a fair coin: the probability of a split at
    least as uneven as the observed split. Exact integers until the last division.
    """
    coins = only_a + only_b
    ways, term = 0, 1  # term: how many ways `heads` of `coins` can come
    for heads in range(min(only_a, only_b) + 1):
        ways += term
        term = term * (coins - heads) // (heads + 1)
    return min(1.0, 2 * ways / 2**coins)
