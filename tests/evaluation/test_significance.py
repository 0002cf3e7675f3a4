"""Against published worked examples and against definitions written out."""

from itertools import product
from math import comb

import pytest

from gta.evaluation.significance import mcnemar_exact, paired_interval, wilson_interval


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, 857-872, Table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(correct: int, total: int, low: float, high: float):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_at_the_ends():
    assert wilson_interval(20, 20)[1] == 1
    assert wilson_interval(0, 20)[0] == 0
    assert wilson_interval(0, 0) == (0, 1)
    low, high = wilson_interval(30, 100)
    assert (1 - high, 1 - low) == pytest.approx(wilson_interval(70, 100))


def test_pairs_as_published():
    # Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10; A and B exchanged
    assert paired_interval(36, 2, 12, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    low, high = paired_interval(36, 12, 2, 0)
    assert (low, high) == pytest.approx((-0.3404, -0.0569), abs=5e-5)


def test_the_interval_of_pairs_holds_the_difference():
    for cells in product((0, 1, 4, 30), repeat=4):
        low, high = paired_interval(*cells)
        if sum(cells):
            assert -1 <= low <= (cells[2] - cells[1]) / sum(cells) <= high <= 1
        else:
            assert (low, high) == (-1, 1)


def test_answers_that_agree_make_the_interval_narrower():
    together, apart = paired_interval(45, 5, 5, 45), paired_interval(25, 25, 25, 25)
    assert together[1] - together[0] < 0.6 * (apart[1] - apart[0])


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (2, 12), (12, 2), (7, 7), (3, 4)])
def test_mcnemar_is_the_share_of_splits_as_uneven(only_a: int, only_b: int):
    coins = only_a + only_b
    uneven = [
        comb(coins, heads)
        for heads in range(coins + 1)
        if abs(2 * heads - coins) >= abs(only_a - only_b)
    ]
    assert mcnemar_exact(only_a, only_b) == pytest.approx(sum(uneven) / 2**coins)


def test_mcnemar_of_many_videos():
    assert mcnemar_exact(6000, 6000) == 1
    assert 0 < mcnemar_exact(5000, 6000) < 1e-20
    assert mcnemar_exact(6000, 6300) == pytest.approx(0.0070155, rel=1e-4)
