"""What is said of several seeds, against scipy and by hand; and what becomes of claims."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

LOW, HIGH = [0.60, 0.62, 0.64], [0.70, 0.72, 0.74]


def test_one_more_seed(ours):
    ours = ours.significance
    assert ours.mean_std(LOW) == "62.0 ± 2.0"
    assert (ours.mean_std(LOW[:1]), ours.mean_std([])) == ("60.0", "")
    # t(2) at 97.5 % is 4.3027: 4.3027 * 0.02 * sqrt(4/3)
    wide = pytest.approx((0.5206, 0.7194), abs=1e-4)
    assert ours.prediction_interval(LOW) == wide
    assert ours.prediction_interval(LOW, lambda _: 0.01) == wide
    assert ours.prediction_interval([0.5] * 3, lambda mean: mean / 50) == pytest.approx(
        (0.45, 0.55), abs=4e-4
    )
    assert ours.prediction_interval([0.9, 1.0, 1.0])[1] == 1
    assert ours.prediction_interval(LOW[:1]) is None


def test_differences_are_those_of_scipy(ours):
    ours = ours.significance
    by_scipy = ttest_ind([0.70, 0.74, 0.75], [0.6, 0.7], equal_var=False)
    apart = ours.welch([0.70, 0.74, 0.75], [0.6, 0.7])
    assert apart[1:3] == pytest.approx(tuple(by_scipy.confidence_interval(0.95)))
    assert apart.p == pytest.approx(by_scipy.pvalue)
    assert str(apart._replace(mean=0.08, low=-0.1, high=0.2)) == "+8.0 (-10.0 to +20.0)"
    assert ours.welch(HIGH, [0.5] * 3).significant  # one of them without a spread
    assert ours.welch(LOW, LOW[:1]) is ours.welch([0.5] * 2, [0.6] * 2) is None
    assert ours.welch(HIGH, LOW).significant
    assert not ours.welch(HIGH, LOW, lambda _: 0.06).significant
    three = {name: apart._replace(p=p) for name, p in zip("abc", (0.01, 0.04, 0.03), strict=True)}
    found = ours.benjamini_hochberg(three)
    assert [one.p for one in found.values()] == pytest.approx([0.03, 0.04, 0.04])
    assert [one[:3] for one in found.values()] == [apart[:3]] * 3


def test_rows_against_one(ours):
    against = ours.significance.against_control
    one = against(LOW, {"row": HIGH})["row"]
    by_scipy = ttest_ind(HIGH, LOW)  # one variance for both
    assert one[1:3] == pytest.approx(tuple(by_scipy.confidence_interval(0.95)))
    assert (one.mean, one.p) == pytest.approx((0.1, by_scipy.pvalue))
    both = against(LOW, {"row": HIGH, "alone": [0.66]})
    assert both["row"].p == pytest.approx(2 * one.p)  # the variance is the same
    assert both["alone"].p == pytest.approx(2 * t.sf(0.04 / (0.02 * (4 / 3) ** 0.5), 4) * 2)
    wider = against(LOW, {"row": HIGH}, lambda mean: mean / 15.5)["row"]
    assert wider.high - wider.low == pytest.approx(2 * (one.high - one.low))


def test_claims_are_as_the_paper_has_them(ours):
    for pair in (pair for pairs in ours.claims.CLAIMS.values() for pair in pairs):
        assert pair.paper > 0


def test_what_becomes_of_claims(ours, made_up):
    def told(gta: list[float], other: list[float], tape: list[float]) -> list[str]:
        rows = {"+ SA + GTA": gta, "+ SA + TA": other, "+ SA + TAPE": tape}
        tested = ours.claims.compare(made_up("table2b", rows))
        tables = (ours.claims.comparison_table(tested), ours.claims.summary_table(tested))
        lines = "\n".join(tables).splitlines()
        return [
            one.split(" | ", 1)[1] for one in lines if re.search("SA [+] TA [|]|matrix.*[0-9]", one)
        ]

    # standard deviations of 0.02, differences of 0.1, 0.04 and 0.048; t(4) at 97.5 % is 2.776
    near, just = [one + 0.04 for one in LOW], [one + 0.048 for one in LOW]
    line, summary = told(HIGH, LOW, [])
    assert line == "+11.8 | +10.0 (+5.5 to +14.5) | 0.004 | yes |"
    assert summary == "+11.8 to +11.8 | +10.0 to +10.0 | 1 of 1 |"
    assert told(LOW, HIGH, [])[0] == "+11.8 | -10.0 (-14.5 to -5.5) | 0.004 | reversed |"
    assert told(LOW, HIGH, [])[1].endswith("| -10.0 to -10.0 | 0 of 1, 1 reversed |")
    assert told(near, LOW, [])[0].endswith("+4.0 (-0.5 to +8.5) | 0.070 | no |")
    assert told(just, LOW, [])[0].endswith("| 0.042 | yes |")
    assert told(just, LOW, just)[0].endswith("| 0.085 | no |")  # of two comparisons


def test_runs_that_were_made_twice(ours, tmp_path: Path):
    table, file = ours.tables.EXPERIMENTS["table2b"], tmp_path / "ordered.jsonl"
    run = table.job(table.rows[0], 0).identity()
    results = [{"run": run, "top1": 0.5}]
    log = ours.logs.log_to(tmp_path / "ordered.log")

    def repeats(*ends: str, earlier: list[dict] | None = None):
        for end in ends:
            log(ours.logs.run_id(run), "begins on cpu")
            log(ours.logs.run_id(run), end)
        return ours.repeats.read_repeats(results, [file], earlier or [])

    once = repeats("ends: top-1 0.5, 3 s")
    assert (once.of(run), once.distances, once.floor(0.5)) == ([], [], 0.0)
    twice = repeats("ends: top-1 0.53, 3 s", "fails")
    assert twice.of(run) == [0.53]
    assert twice.distances == [pytest.approx((0.5, 0.03))]
    thrice = repeats("ends: top-1 0.5, 3 s")  # as the first time
    assert [far for _, far in thrice.distances] == pytest.approx([0.03, 0])
    earlier = [{"run": run, "top1": 0.52}, {"run": {"of": "no row"}, "top1": 0.9}]
    assert repeats(earlier=earlier).of(run) == [0.53, 0.5, 0.52]


def test_the_floor_is_of_the_nearest_repetitions(ours, monkeypatch):
    monkeypatch.setattr(ours.repeats, "_NEAREST", 4001)
    rng, distances = np.random.default_rng(0), []
    for top1, deviation in ((0.5, 0.02), (0.9, 0.01)):
        draws = rng.normal(top1, deviation, (2, 4001))
        distances += [(top1, far) for far in abs(draws[0] - draws[1])]
    repeats = ours.repeats.Repeats(distances=distances)
    assert repeats.floor(0.4) == pytest.approx(0.02, rel=0.05)
    assert repeats.floor(0.8) == pytest.approx(0.01, rel=0.05)
