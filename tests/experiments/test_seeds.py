"""Several seeds in a row, and what becomes of claims."""

import pytest
from scipy.stats import t, ttest_ind


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
    same = ours.spread.prediction_interval(values, lambda _: 0.01)
    assert same == ours.spread.prediction_interval(values)
    assert ours.spread.prediction_interval([0.5] * 3, lambda mean: mean / 50) == "45.0 to 55.0"
    assert ours.spread.prediction_interval(values[:1]) == ours.spread.spread([]) == ""
    # Welch's test of 60, 62, 64 against itself moved by d: t = d / sqrt(8/3), 4 degrees of freedom,
    # of which 2.776 is the 97.5 % point: d = 4.53
    assert not ours.spread.differ(values, [one + 0.045 for one in values])
    assert ours.spread.differ(values, [one + 0.046 for one in values])
    assert not ours.spread.differ(values[:1], [0.0, 0.0])
    assert ours.spread.differ([0.5, 0.5], [0.6, 0.6])
    assert not ours.spread.differ([0.5, 0.5], [0.6, 0.6], lambda _: 0.04)
    apart = ours.spread.welch([0.70, 0.74, 0.75], [0.6, 0.7])
    by_scipy = ttest_ind([0.70, 0.74, 0.75], [0.6, 0.7], equal_var=False)
    assert apart[1:3] == pytest.approx(tuple(by_scipy.confidence_interval(0.95)))
    assert apart.p == pytest.approx(by_scipy.pvalue)
    assert ours.spread.welch(values, values[:1]) is None
    three = {name: apart._replace(p=p) for name, p in zip("abc", (0.01, 0.04, 0.03), strict=True)}
    found = ours.spread.corrected(three)
    assert [one.p for one in found.values()] == pytest.approx([0.03, 0.04, 0.04])
    assert [one[:3] for one in found.values()] == [apart[:3]] * 3
    assert ours.spread.corrected({}) == {}


def test_rows_against_one(ours):
    control, row, alone = [0.60, 0.62, 0.64], [0.70, 0.72, 0.74], [0.66]
    one = ours.spread.apart_from(control, {"row": row})["row"]
    by_scipy = ttest_ind(row, control)  # one variance for both
    assert one[1:3] == pytest.approx(tuple(by_scipy.confidence_interval(0.95)))
    assert (one.mean, one.p) == pytest.approx((0.1, by_scipy.pvalue))
    both = ours.spread.apart_from(control, {"row": row, "alone": alone})
    assert both["row"].p == pytest.approx(2 * one.p)  # the variance is the same
    assert both["alone"].p == pytest.approx(2 * t.sf(0.04 / (0.02 * (4 / 3) ** 0.5), 4) * 2)
    wider = ours.spread.apart_from(control, {"row": row}, lambda mean: mean / 15.5)["row"]
    assert wider.high - wider.low == pytest.approx(2 * (one.high - one.low))


def test_claims_are_of_rows_that_there_are(ours):
    for claim in ours.claims.CLAIMS:
        for name, better, worse in claim.pairs:
            rows = [ours.tables.EXPERIMENTS[name].row(label) for label in (better, worse)]
            papers = [row.paper for row in rows]
            assert None in papers or papers[0] > papers[1]  # as the paper claims it


def test_what_becomes_of_claims(ours):
    table = ours.tables.EXPERIMENTS["table2b"]

    def told(gta: list[float], other: list[float], tape: list[float] | None = None) -> list[str]:
        rows = ((table.rows[-1], gta), (table.rows[3], other), (table.rows[4], tape or []))
        results = [
            {"run": table.job(row, seed).identity(), "top1": value}
            for row, values in rows
            for seed, value in enumerate(values)
        ]
        shown = ours.claims.claims(ours.rows.Found(results))
        return [line for line in shown.splitlines() if "SA + GTA over SA + TA |" in line]

    lead = "| SA + GTA over SA + TA | +11.8 | "
    # standard deviations of 0.02, a difference of 0.1 and of 0.04; t(4) at 97.5 % is 2.776
    values, higher, near = [0.60, 0.62, 0.64], [0.70, 0.72, 0.74], [0.64, 0.66, 0.68]
    assert told(higher, values) == [f"{lead}+10.0 (+5.5 to +14.5) | yes |"]
    assert told(values, higher) == [f"{lead}-10.0 (-14.5 to -5.5) | no |"]
    assert told(near, values) == [f"{lead}+4.0 (-0.5 to +8.5) | open |"]
    just = [one + 0.048 for one in values]  # p = 0.042, and with another comparison 0.085
    assert told(just, values) == [f"{lead}+4.8 (+0.3 to +9.3) | yes |"]
    assert told(just, values, just) == [f"{lead}+4.8 (+0.3 to +9.3) | open |"]
    assert told(higher, values[:1]) == [f"{lead}+12.0 | open |"]
    assert told(higher, []) == []
