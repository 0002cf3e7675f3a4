"""Rows that were run again with the same seeds, held to the intervals of the old runs."""

import pytest
from scipy.stats import ttest_1samp


@pytest.fixture
def rows(ours, made_up):
    """Of Table 2b: two rows of four seeds, of which the first two were run again."""

    def repeated(
        new: dict[str, list[float]], dates: tuple[str, str] = ("2026-11-27", "2026-11-27")
    ):
        old = made_up(
            "table2b", {"R2D": [0.60, 0.62, 0.64, 0.66], "+ SA": [0.50, 0.52, 0.54, 0.56]}
        )
        for label, date in zip(("R2D", "+ SA"), dates, strict=True):
            for run in old.of("table2b", label):
                run["date"] = date
        return ours.again.repeated_rows(old, made_up("table2b", new))

    return repeated


def test_a_line_says_what_is_within(ours, rows):
    # t(3) at 97.5 % is 3.1824: 3.1824 * 0.02582 * sqrt(5/4) = 0.0919 round 0.63; and with the last
    # two alone t(1), 12.706 * 0.01414 * sqrt(3/2) = 0.2200 round 0.65
    found = rows({"R2D": [0.63, 0.53], "+ SA": [0.54, 0.52]})
    (one, other) = ours.again.again_table(found, lambda _: 0.0).splitlines()[2:]
    assert one == (
        "| R2D | 53.8 to 72.2 | 60.0, 63.0 | 62.0, 53.0 | 1 of 2 | 43.0 to 87.0 | 2 of 2 |"
    )
    assert other.startswith("| SA | 43.8 to 62.2 | 50.0, 54.0 | 52.0, 52.0 | 2 of 2 |")
    intervals = [row.interval(lambda _: 0.0) for row in found]
    assert ours.again.within(found, intervals) == 3
    wide = [row.interval(lambda _: 0.05) for row in found]
    assert ours.again.within(found, wide) == 4


def test_each_new_run_is_held_to_the_old_one_of_its_seed(ours, rows):
    found = rows({"R2D": [0.63, 0.61], "+ SA": [0.51, 0.52]})
    changes = [0.03, -0.01, 0.01, 0.0]
    assert [one for row in found for one in row.changes()] == pytest.approx(changes)
    by_scipy = ttest_1samp(changes, 0).confidence_interval(0.95)
    assert ours.again.shift(found) == pytest.approx((0.0075, *by_scipy))


def test_rows_and_seeds_without_an_old_run_are_no_repetitions(ours, rows):
    (row,) = rows({"R2D": [0.6] * 6, "+ TA": [0.7]})
    assert list(row.again) == [0, 1, 2, 3]
    assert row.of_others(lambda _: 0.0) is None
    line = ours.again.again_table([row], lambda _: 0.0).splitlines()[-1]
    assert line.endswith("| 4 of 4 |  | 0 of 4 |")


def test_which_trainer_the_old_runs_are_of(rows):
    new = {"R2D": [0.6], "+ SA": [0.5]}
    assert [row.other_trainer for row in rows(new, ("2026-11-28", "2026-11-29"))] == [True, False]


def test_the_runs_are_two_seeds_of_every_row(ours):
    new = ours.rows.Runs(ours.results.read_results(ours.results.AGAIN_FILE))
    for name in ours.again.TABLES:
        for row in ours.tables.EXPERIMENTS[name].rows:
            assert [run["run"]["seed"] for run in new.of(name, row.label)] == [0, 1]
            assert all(run["date"] >= ours.again.TRAINER for run in new.of(name, row.label))
    assert sum(map(len, new.rows.values())) == 22
