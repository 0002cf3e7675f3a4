"""Several seeds in a row, and what becomes of claims."""

import pytest
from scipy.stats import ttest_ind


def test_more_seeds_than_asked_for_are_in_the_row(ours):
    table = ours.tables.EXPERIMENTS["table2b"]
    row = table.rows[0]
    results = [{"run": table.job(row, seed).identity(), "top1": 0.1 * seed} for seed in (5, 0)]
    found = ours.rows.Found([*results, {"run": table.job(table.rows[1], 0).identity()}])
    assert found.of(row, table) == results[::-1]
    assert found.get(results[0]["run"]) == results[0]
    assert found.get({"run": 1}) is None


def test_what_seeds_say_of_others(ours):
    values = [0.60, 0.62, 0.64]
    assert ours.spread.spread(values) == "62.0 ± 2.0"
    # t(2) at 97.5 % is 4.3027: 4.3027 * 0.02 * sqrt(4/3)
    assert ours.spread.prediction_interval(values) == "52.1 to 71.9"
    assert ours.spread.prediction_interval([0.9, 1.0, 1.0]) == "68.0 to 100.0"
    assert ours.spread.prediction_interval(values, 0.01) == ours.spread.prediction_interval(values)
    assert ours.spread.prediction_interval([0.5] * 3, 0.01) == "45.0 to 55.0"
    assert ours.spread.prediction_interval(values[:1]) == ours.spread.spread([]) == ""
    # Welch's test of 60, 62, 64 against itself moved by d: t = d / sqrt(8/3), 4 degrees of freedom,
    # of which 2.776 is the 97.5 % point: d = 4.53
    assert not ours.spread.differ(values, [one + 0.045 for one in values])
    assert ours.spread.differ(values, [one + 0.046 for one in values])
    assert not ours.spread.differ(values[:1], [0.0, 0.0])
    assert ours.spread.differ([0.5, 0.5], [0.6, 0.6])
    assert not ours.spread.differ([0.5, 0.5], [0.6, 0.6], least=0.04)
    low, high = ours.spread.welch_interval([0.70, 0.74, 0.75], [0.6, 0.7])
    by_scipy = ttest_ind([0.70, 0.74, 0.75], [0.6, 0.7], equal_var=False).confidence_interval(0.95)
    assert (low, high) == pytest.approx(tuple(by_scipy))
    assert ours.spread.any_differ([values, values, values]) == pytest.approx(1)
    assert ours.spread.any_differ([values, [0.8, 0.82, 0.84]]) < 0.001


def test_claims_are_of_rows_that_there_are(ours):
    for claim in ours.claims.CLAIMS:
        for name, better, worse in claim.pairs:
            rows = [ours.tables.EXPERIMENTS[name].row(label) for label in (better, worse)]
            papers = [row.paper for row in rows]
            assert None in papers or papers[0] > papers[1]  # as the paper claims it


def test_what_becomes_of_claims(ours):
    table = ours.tables.EXPERIMENTS["table2b"]

    def told(gta: list[float], other: list[float]) -> list[str]:
        results = [
            {"run": table.job(row, seed).identity(), "top1": value}
            for row, values in ((table.rows[-1], gta), (table.rows[3], other))
            for seed, value in enumerate(values)
        ]
        shown = ours.claims.claims(ours.rows.Found(results), 0.0)
        return [line for line in shown.splitlines() if "SA + GTA over" in line]

    lead = "| SA + GTA over SA + TA | +11.8 | "
    # standard deviations of 0.02, a difference of 0.1 and of 0.04; t(4) at 97.5 % is 2.776
    values, higher, near = [0.60, 0.62, 0.64], [0.70, 0.72, 0.74], [0.64, 0.66, 0.68]
    assert told(higher, values) == [f"{lead}+10.0 (+5.5 to +14.5) | yes |"]
    assert told(values, higher) == [f"{lead}-10.0 (-14.5 to -5.5) | no |"]
    assert told(near, values) == [f"{lead}+4.0 (-0.5 to +8.5) | open |"]
    assert told(higher, values[:1]) == [f"{lead}+12.0 | open |"]
    assert told(higher, []) == []
