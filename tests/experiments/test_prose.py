"""What docs/results.md says by hand: its figures are recomputed, and its words are so."""

import json
import re
from collections import Counter
from itertools import product
from statistics import mean, median

import pytest

from gta.ordered import CLASSES, order_blind_ceiling

NO_RESULTS = (
    r"Tables? \d\w?((,| and) \d\w?)*|Figure \d|R2D-\d+|R50|[Tt]op-1|res\d|float32|bfloat16|G = 32|"
    r"95 % (prediction )?interval|(at 0|p < 0)\.05|(8|16)( and 16| or 32)? frames|\(32:|"
    r"50 (is chance|%)|8 groups|224 pixels|v1"
)
"""Names, the paper's settings, levels: what has digits without a result."""
CEILING = order_blind_ceiling([one.key for one in CLASSES])


@pytest.fixture
def runs(ours):
    return ours.rows.read_runs()


@pytest.fixture
def real(ours):
    """Of a column of real clips: the runs by network and start."""
    latest = ours.results.by_key(ours.results.read_results(ours.results.REAL_FILE)).values()
    which = [*product(ours.real_runs.MODELS, ours.real_runs.STARTS)]
    which += [(name, "") for name in ours.real_baselines.BASELINES]
    return lambda column: {one: found for one in which if (found := column.runs(latest, *one))}


def top1(found: list[dict]) -> list[float]:
    return [run["top1"] for run in found]


def test_every_figure_is_recomputed(ours, runs, real):
    page = ours.page.PAGE.read_text(encoding="utf-8")
    page = re.sub(r"<!--.*?-->|^\|.*$|`[^`]*`|\]\([^)]*\)", "", page, flags=re.MULTILINE)
    page = re.sub(r"[\s*\[]+", " ", page)  # without tables, code and where links lead
    for words in [*of_ordered(ours, runs), *of_real_clips(ours, real)]:
        assert words in page
        page = page.replace(words, "")
    assert re.findall(r".{20}\d.{20}", re.sub(NO_RESULTS, "", page)) == []


def of_ordered(ours, runs) -> list[str]:
    def at(name: str, row: str) -> str:
        return f"{100 * mean(runs.top1(name, row)):.1f} %"

    data, repeats, every = ours.tables.DATA, runs.repeats, list(map(top1, runs.rows.values()))
    tested, far = ours.claims.compare(runs), [100 * one for _, one in repeats.distances]
    tape = next(pair for pair in tested if pair[1:] == ("+ SA + GTA", "+ SA + TAPE"))
    ends = [ours.significance.prediction_interval(found[:3], repeats.floor) for found in every]
    later = [(end, one) for found, end in zip(every, ends, strict=True) for one in found[3:]]
    floors = [100 * repeats.floor(mean(found)) for found in every]
    times = ours.results.read_results(ours.results.TIMES_FILE)
    devices = [[one for one in times if one["device"] == device] for device in ("cpu", "cuda")]
    cpu, gpu = (100 * ours.times.times_apart(measured) for measured in devices)
    tape_apart = [
        100 * abs(run["top1"] - end)
        for run in runs.of("table7", "SA + TAPE, G = 1")
        for end in repeats.of(run["run"])
    ]
    run = runs.of("tsm", "TSM, 8 frames")[0]
    return [
        f"{len(CLASSES)} classes of moving shapes, {2 * len(run['pairs'])} of them in pairs",
        f"from scratch, at {ours.tables.SMALL.crop} pixels",
        f"all {len(tested)} comparisons",
        f"{at('table2b', '+ SA + GTA')} against {at('table2b', '+ SA + TA')} (SA + TA) and "
        f"{at('table2b', '+ SA + TAPE')} (SA + TAPE)",
        f"reaches {100 * CEILING:.1f} % at best",
        f"is {100 * tested[tape].mean:.1f} points behind here and {tape.paper:.1f} in the paper",
        f"TAPE reaches {at('steps', 'SA + TAPE')}, GTA {at('steps', 'SA + GTA')} (one seed each)",
        f"{data.num_train} training and {data.num_val} held-out clips of {data.num_frames} frames, "
        f"{data.side} x {data.side} pixels",
        f"That of the first 3 seeds of a row has "
        f"{sum(low <= one <= high for (low, high), one in later)} of {len(later)} later ones",
        f"{len(repeats.ends)} runs were made again, {len(far)} times in all, and ended "
        f"{median(far):.1f} points from the one in the file in the median, {mean(far):.1f} in the "
        f"mean and {max(far):.1f} at most",
        f"({min(floors):.1f} to {max(floors):.1f} points)",
        f"ended {max(tape_apart):.1f} points from itself when it was made again",
        f"was up to {cpu:.1f} % (CPU) and {gpu:.1f} % (GPU) from itself",
        f"the first {run['longer']['clips']} held-out clips",
    ]


def of_real_clips(ours, real) -> list[str]:
    page, file = ours.real_page, ours.results.REAL_FILE
    train, val = json.loads(ours.real_gap.GAP_FILE.read_text(encoding="utf-8")).values()
    assert val["camera_path"] > train["camera_path"]
    assert train["of_one_class"] > train["clips"] / 2
    intervals = [
        page.interval(found, column)
        for column in (page.SPLIT, page.NEGATIVES, page.PAN)
        for (name, start), found in real(column).items()
        if start and name not in page.BLIND
    ]
    known, new = real(page.KNOWN), real(page.SCENES)
    cost = [100 * (mean(top1(known[of])) - mean(top1(new[of]))) for of in new if of[1]]
    again = ours.repeats.read_repeats(ours.results.read_results(file), [file], [])
    far = [100 * one for _, one in again.distances]
    return [
        f"of the {len(intervals)} intervals of networks that see order "
        f"{sum(not low <= 0.5 <= high for low, high in intervals)} leaves out",
        f"right for {train['right']} of {train['clips']} clips of training and for {val['right']} "
        f"of {val['clips']} there",
        f"none of the {len(gains(ours, real))} gains",
        f"{len(far)} of the runs from were made again, from weights trained again, and ended "
        f"{mean(far):.1f} points from the one in the file in the mean and {max(far):.1f} at most",
        f"costs {min(cost):.0f} to {max(cost):.0f} points",
    ]


def gains(ours, real) -> dict:
    """What it is worth to start from `ordered`, where order is seen."""
    page = ours.real_page
    return {
        (name, column): ours.significance.welch(top1(found), top1(real(column)[name, "scratch"]))
        for column in (page.FOLDS, page.SPLIT, page.SCENES, page.KNOWN, page.WAGON)
        for (name, start), found in real(column).items()
        if start == "ordered" and not (column.arrow and name in page.BLIND)
    }


def test_words_about_claims(ours, runs):
    tested = ours.claims.compare(runs)
    said = {str(pair): ours.claims.verdict(one) for pair, one in tested.items()}
    by_claim = [[said[str(pair)] for pair in pairs] for pairs in ours.claims.CLAIMS.values()]
    decoupled, matrix, _, _, spatial, places, _ = map(Counter, by_claim)
    assert decoupled == {"yes": 4}
    assert matrix == {"yes": 5, "no": 1}
    assert spatial == {"no": 3, "reversed": 1}
    assert places == {"no": 3}
    holds = "pixel . region.* over region|G = 8 over pixel (. region )?G = .$|^pixel GTA G = 8 ov"
    fails = "region G = 1 over pixel|TAPE G = 8 over TAPE|8 frames over GTA 8|GTA over (DNL, )?Slow"
    for pattern, verdict in ((holds, "yes"), (fails, "no")):
        assert {one for words, one in said.items() if re.search(pattern, words)} == {verdict}


def test_words_about_tables(ours, runs):
    blind = [("table1", row) for row in ("R2D-50", "+ NL", "+ DNL")]
    blind += [("table3", row.label) for row in ours.tables.EXPERIMENTS["table3"].rows[:-1]]
    for run in (run for row in blind for run in runs.of(*row)):
        assert run["reversed"] == pytest.approx(run["top1"], abs=0.002)
        assert mean(run["pairs"].values()) == pytest.approx(0.5, abs=0.02)
    alone, spatial = (runs.top1("table2b", row) for row in ("R2D", "+ SA"))
    assert len(spatial) == 6
    assert not ours.significance.welch(spatial, alone).significant
    assert min(run["top1"] - run["reversed"] for run in runs.of("table2b", "+ SA + TAPE")) > 0.01
    gta = mean(runs.top1("table2b", "+ SA + GTA"))
    for row in ("SA + TAPE", "SA + region GTA"):
        assert min(runs.top1("steps", row)) > gta - 0.005
    assert max(runs.top1("steps", "SA + TA")) < CEILING
    assert min(mean(run["pairs"].values()) for run in runs.of("slowfast", "SlowFast")) > 0.9
    assert mean(runs.top1("figure5", "G = 32")) > mean(runs.top1("figure5", "G = 8")) - 0.005


def test_words_of_the_protocol(ours, runs):
    """docs/protocol.md on the open questions."""
    apart = {name: ours.page.controls(name, runs) for name in ours.page.CONTROLS}
    found = {(name, row) for name in apart for row, one in apart[name].items() if one.significant}
    layer = ("joins", "normalised over each clip (layer norm), from zero")
    rate = ("matrix", "learning rate x 0.1")
    assert found == {("regions", "R = 32"), rate, layer, ("figure5", "G = 1"), ("figure5", "G = 2")}
    assert apart["joins"][layer[1]].mean == pytest.approx(-0.01, abs=0.002)
    assert len(apart["joins"]) == 7
    sooner = runs.top1("places", "res3 0, 2; res4 0, 2, 4")
    assert sooner > [min(runs.top1("places", "res3 1, 3; res4 1, 3, 5"))]


def test_words_about_real_clips(ours, real):
    page = ours.real_page
    folds = {of: mean(top1(found)) for of, found in real(page.FOLDS).items()}
    svm = folds[ours.real_baselines.BASELINES[0], ""]
    assert set(top1(real(page.FOLDS)["TAPE", "scratch"])) == {0.5}
    assert abs(folds["GTA", "scratch"] - svm) < 0.01
    scratch = sorted((of for of in folds if of[1] == "scratch"), key=folds.get)
    assert {name for name, _ in scratch[-2:]} == {"TSM", "TSM + GTA"}
    assert folds["GTA", "ordered"] > folds[scratch[-1]] - 0.01
    wagon = {of: top1(found) for of, found in real(page.WAGON).items() if of[1]}
    plain = {start: wagon.pop(("no attention", start)) for start in ours.real_runs.STARTS}
    above = {of: ours.significance.welch(found, plain[of[1]]) for of, found in wagon.items()}
    for differences in (above, gains(ours, real)):
        corrected = ours.significance.benjamini_hochberg(differences)
        assert not any(one.significant for one in corrected.values())
    for column, (of, found) in product((page.NEGATIVES, page.PAN), real(page.SPLIT).items()):
        if augmented := real(column).get(of):
            assert ours.significance.welch(top1(augmented), top1(found)).low <= 0
