"""What docs/results.md says by hand: its figures are recomputed, and its words are so."""

import json
import re
from collections import Counter
from itertools import product
from pathlib import Path
from statistics import mean, median

import pytest

from gta.ordered import CLASSES, order_blind_ceiling

NO_RESULTS = (
    r"Tables? \d\w?((,| and) \d\w?)*|Figure \d|R2D-\d+|R50|[Tt]op-1|res\d|float32|bfloat16|G = 32|"
    r"95 % (prediction )?interval|(at 0|p < 0)\.05|(8|16)( and 16| or 32)? frames|\(32:|"
    r"[Ss]ection 3\.\d|C/4|"
    r"50 (is chance|%)|8 groups|224 pixels|96 pixels in the place of 160|v1|N_h|"
    r"(EfficientNet-)?Lite\d|0\.6 grey levels|20 epochs|R2D-18"
)
"""Names, the paper's settings, levels: what has digits without a result."""
ROOT = Path(__file__).parents[2]
TASKS = ("sit-stand", "wagon")
TAPES = [("", 1), ("", 8), ("SA + ", 1), ("SA + ", 8)]
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
    every = [*of_ordered(ours, runs), *of_real_clips(ours, real), *of_frozen(ours, real)]
    every += of_normalized(ours, runs)
    for words in every:
        assert words in page
        page = page.replace(words, "")
    assert re.findall(r".{20}\d.{20}", re.sub(NO_RESULTS, "", page)) == []


def of_ordered(ours, runs) -> list[str]:
    def at(name: str, row: str) -> str:
        return f"{100 * mean(runs.top1(name, row)):.1f} %"

    data, repeats, every = ours.tables.DATA, runs.repeats, list(map(top1, runs.rows.values()))
    tested, far = ours.claims.compare(runs), [100 * one for _, one in repeats.distances]
    pairs = {str(pair): pair for pair in tested}
    over = [f"pixel GTA G = {groups} over TAPE G = {groups}" for groups in (1, 8)]
    over = ["SA + GTA over SA + TAPE", *over]
    gta, one_head, eight = (100 * tested[pairs[words]].mean for words in over)
    best = runs.top1("table2b", "+ SA + GTA")
    small = 100 * (mean(best) - mean(runs.top1("tape", "drawn at 0.02")))
    grouped = ours.significance.welch(best, runs.top1("table7", "SA + TAPE, G = 8"), repeats.floor)
    single = ours.significance.welch(
        runs.top1("table2a", "pixel + region, G = 1"), runs.top1("table2b", "+ SA + TAPE")
    )
    harder = tested[pairs["pixel + region G = 1 over region G = 1, harder level"]]
    unchosen = [run["top1"] for run in runs.of("table2b", "+ SA + TAPE") if run["run"]["seed"]]
    assert len(unchosen) == 5
    others = [row.label for row in ours.tables.EXPERIMENTS["tape"].rows[1:9]]
    assert min(one for row in others for one in runs.top1("tape", row)) > 0.85
    ends = [ours.significance.prediction_interval(found[:3], repeats.floor) for found in every]
    later = [(end, one) for found, end in zip(every, ends, strict=True) for one in found[3:]]
    floors = [100 * repeats.floor(mean(found)) for found in every]
    times = ours.results.read_results(ours.results.TIMES_FILE)
    devices = [[one for one in times if one["device"] == device] for device in ("cpu", "cuda")]
    cpu, gpu = (100 * ours.times.times_apart(measured) for measured in devices)
    run = runs.of("tsm", "TSM, 8 frames")[0]
    return [
        f"{len(CLASSES)} classes of moving shapes, {2 * len(run['pairs'])} of them in pairs",
        f"from scratch, at {ours.tables.SMALL.crop} pixels",
        f"all {len(tested)} comparisons",
        f"{at('table2b', '+ SA + GTA')} against {at('table2b', '+ SA + TA')} (SA + TA)",
        f"reaches {100 * CEILING:.1f} % at best",
        f"GTA is {gta:.1f} points above TAPE, which compares frames with positions; the paper has "
        f"{pairs[over[0]].paper:.1f}. ",
        f"With eight, TAPE is {100 * grouped.mean:.1f} points behind (p = {grouped.p:.3f} by itself"
        f", not in the list); with one each, GTA is {100 * single.mean:.1f} above it. Pixel GTA is "
        f"{-one_head:.1f} points below TAPE with one head and {eight:.1f} above it with eight, nei",
        f"leave TAPE {small:.1f} points behind",
        f"the same {gta:.1f} points as before",
        f"at the harder level (p = {harder.p:.3f})",
        f"the other five seeds have {100 * mean(unchosen):.1f} % in the mean",
        "above 85 %",
        *of_readings(ours, runs),
        *of_rows_run_again(ours, runs),
        f"{data.num_train} training and {data.num_val} held-out clips of {data.num_frames} frames, "
        f"{data.side} x {data.side} pixels",
        f"That of the first 3 seeds of a row has "
        f"{sum(low <= one <= high for (low, high), one in later)} of {len(later)} later ones",
        f"{len(repeats.ends)} runs were made again, {len(far)} times in all, and ended "
        f"{median(far):.1f} points from the one in the file in the median, {mean(far):.1f} in the "
        f"mean and {max(far):.1f} at most",
        f"({min(floors):.1f} to {max(floors):.1f} points)",
        f"was up to {cpu:.1f} % (CPU) and {gpu:.1f} % (GPU) from itself",
        f"the first {run['longer']['clips']} held-out clips",
    ]


def of_readings(ours, runs) -> list[str]:
    beside = ours.page.controls("readings", runs)
    alone = ours.page.controls("free_regions", runs)["region alone, W_R free"]
    free, four, sixteen = (100 * beside[row].mean for row in ("W_R free", "N_h = 4", "N_h = 16"))
    reach, reach_alone = (100 * (one.high - one.mean) for one in (beside["W_R free"], alone))
    assert not any(one.significant for one in (*beside.values(), alone))
    (first, second) = runs.top1("free_regions", "region alone, W_R free")
    plain = [mean(runs.top1(*row)) for row in (("assignment", "none"), ("region", "R = 8, none"))]
    height, width = ours.tables.FREE["region_grid"]
    assert height * 8 == width * 8 == ours.tables.SMALL.crop  # res3; res4 is half of it
    return [
        f"{height} x {width} positions, resized to {height // 2} x {width // 2} in",
        f"It is {-free:.1f} points below W_R from X beside pixels and {100 * alone.mean:.1f} above "
        f"it alone ({100 * first:.1f} % and {100 * second:.1f} %); {reach:.1f} and "
        f"{reach_alone:.1f} would show",
        f"has {100 * plain[0]:.1f} % and {100 * plain[1]:.1f} %",
        f"four are {-four:.1f} points below and sixteen {-sixteen:.1f}, neither significantly",
        f"less than {reach:.1f} points would not show",
    ]


def of_rows_run_again(ours, runs) -> list[str]:
    again, floor = ours.again, runs.repeats.floor
    new = ours.rows.Runs(ours.results.read_results(ours.results.AGAIN_FILE))
    rows = again.repeated_rows(runs, new)
    count = sum(len(row.again) for row in rows)
    assert {seed for row in rows for seed in row.again} == {0, 1}
    assert [row.label for row in rows if not row.other_trainer] == ["SA + TAPE"]
    intervals = [row.interval(floor) for row in rows]
    inside = again.within(rows, intervals)
    others = again.within(rows, [row.of_others(floor) for row in rows])
    reach = max(high - low for low, high in intervals) / 2
    older = [row for row in rows if row.other_trainer]
    far = [100 * abs(one) for row in older for one in row.changes()]
    middle, low, high = (100 * one for one in again.shift(older))
    repeated = [
        100 * abs(other - run["top1"])
        for name, row in ours.rows.short_rows(again.TABLES)
        for run in runs.of(name, row.label)
        if run["run"]["seed"] in (0, 1) and run["date"] < again.TRAINER
        for other in runs.repeats.of(run["run"])
    ]
    return [
        f"Seeds 0 and 1 were run again by that of : {inside} of {count} runs are in the interval "
        f"of their row, and {others} of {count} in that of its other seeds",
        f"reach up to {100 * reach:.1f} points to each side",
        f"the {len(far)} new runs are {middle:.1f} points above the old ones (95 % interval of the "
        f"mean: {low:+.1f} to {high:+.1f}), {mean(far):.1f} points from them in the mean and "
        f"{max(far):.1f} at most; earlier versions that made the same runs again, {len(repeated)} "
        f"times, ended {mean(repeated):.1f} points from them in the mean and "
        f"{max(repeated):.1f} at most",
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


def of_frozen(ours, real) -> list[str]:
    results = json.loads(ours.frozen_page.OUT.read_text(encoding="utf-8"))

    def runs(
        task: str, held_out: str, head: str = "GTA", trunk: str = "frozen", settings: str = ""
    ) -> list[dict]:
        about = {"head": head, "task": task, "held_out": held_out}
        about |= {} if head == svm else {"trunk": trunk}
        found = [one for one in results if about.items() <= one.items()]
        return [one for one in found if settings == "; ".join(one.get("settings", ()))]

    def percent(*which: str) -> float:
        return round(100 * mean(top1(runs(*which))), 1)

    heads, svm, split = "GTA, bottleneck, 3 heads", "SVM, frames in order", ("sit-stand", "split")
    both = runs(*split, heads)
    one_way = mean(run["by_fold"]["0"] for run in both)  # tested on the part called val
    page = ours.real_page
    columns = (page.SPLIT, page.NEGATIVES, page.PAN)
    best = max(mean(top1(found)) for column in columns for found in real(column).values())
    known = "GTA, with statistics"
    stated = ("wagon", "folds", f"{heads}, with statistics")
    frozen = dict.fromkeys(r["head"] for r in results if r["trunk"] == "frozen")
    wagon = [percent("wagon", "folds", head) for head in frozen if runs("wagon", "folds", head)]
    of_clip = json.loads(ours.ordered_normalized.NORMALIZED_FILE.read_text(encoding="utf-8"))
    plain, normalized = (
        top1([one for one in of_clip if one["features"] == way])
        for way in ours.ordered_normalized.WAYS
    )
    return [
        *of_trunks(ours, runs),
        f"worth {100 * (mean(normalized) - mean(plain)):.1f} points there, in the mean over "
        f"{len(plain)} seeds each",
        f"have {percent(*split, heads):.1f} % in other scenes over {len(both)} seeds, and "
        f"{100 * one_way:.1f} % the way round in which the best network above has "
        f"{100 * best:.1f} %; the first three seeds, with {100 * mean(top1(both)[:3]):.1f} %, were",
        f"machine has {percent(*split, svm):.1f} % in other scenes, "
        f"{percent('sit-stand', 'folds', svm):.1f} % in folds of , where three heads have "
        f"{percent('sit-stand', 'folds', heads):.1f} %, and {percent('wagon', 'folds', svm):.1f} % "
        f"on , where with statistics they have {percent(*stated):.1f} %",
        f"{percent('wagon', 'folds', known) - percent('wagon', 'folds'):.1f} points on",
        f"cost {percent(*split) - percent(*split, known):.1f} points in other scenes: "
        f"{percent(*split, known):.1f} %",
        f"has {percent('sit-stand', 'folds'):.1f} % with them and "
        f"{percent('sit-stand', 'recordings'):.1f} % without",
        f"all heads over a frozen Lite0 are between {min(wagon):.1f} and {max(wagon):.1f} %",
    ]


def of_trunks(ours, runs) -> list[str]:
    """Trunks that learn, clip normalization, readers and distillation, in other scenes."""

    def of(head: str, trunk: str = "frozen", how: str = "", held_out: str = "split") -> list[dict]:
        return runs("sit-stand", held_out, head, trunk, how)

    def percent(*which: str) -> str:
        return f"{100 * mean(top1(of(*which))):.1f} %"

    def folds(trunk: str, head: str = "GTA", task: str = "sit-stand") -> list[dict]:
        return runs(task, "folds", head, trunk)

    def in_folds(*which: str, **task: str) -> str:
        return f"{100 * mean(top1(folds(*which, **task))):.1f} %"

    def less(more: list[dict], fewer: list[dict]) -> tuple[float, str]:
        by = ours.significance.welch(top1(more), top1(fewer))
        return 100 * by.mean, f"{100 * by.low:+.1f} to {100 * by.high:+.1f}"

    bare, learns = "GTA, not normalised", "fine-tuned"
    small = "clip.size=96; clip.resize=106; test.protocol=1x2-center96@106+flip"
    (one_seed,), (scratch_seed,) = (of("GTA", trunk, small) for trunk in (learns, "scratch"))
    frozen, tuned, scratch = (of("GTA", trunk) for trunk in ("frozen", learns, "scratch"))
    assert {len(frozen), len(tuned), len(scratch)} == {3}
    larger, smaller = (100 * mean(run["by_fold"][part] for run in tuned) for part in "01")
    ahead, (frozen_less, frozen_ends) = less(frozen, tuned), less(frozen, of(bare))
    without = [less(tuned, of(bare, learns)), less(folds(learns), folds(learns, bare))]
    assert not any(
        ours.significance.welch(top1(more), top1(fewer)).significant
        for more, fewer in (
            (scratch, of(bare, "scratch")),
            (folds("scratch"), folds("scratch", bare)),
            (frozen, of(bare)),
            (folds("frozen"), folds("frozen", bare)),
        )
    )
    both = ("split", "folds")
    tape = [of("TAPE", trunk, "", one) for trunk in (learns, "scratch") for one in both]
    assert all(0.49 <= score <= 0.5 for found in tape for score in top1(found))
    wagon = [
        [round(100 * mean(top1(runs("wagon", "folds", head, trunk))), 1) for head in five]
        for trunk in (learns, "scratch")
        for five in [("no blocks", "NL", "DNL", "TAPE", "GTA")]
    ]
    better = [less(folds(learns, "GTA", task), folds("frozen", "GTA", task)) for task in TASKS]
    (larger_trunk, three), (_, student) = ours.distilled.MODELS
    for held_out in both:
        alone, taught = (of(head, held_out=held_out) for head in ("GTA, bottleneck", student))
        assert not ours.significance.welch(top1(taught), top1(alone)).significant
    by_trunk, its_folds = less(of(three, larger_trunk), of(three)), folds(larger_trunk, three)
    its_wagon = [in_folds(larger_trunk, three + how, "wagon") for how in ("", ", with statistics")]
    return [
        f"GTA has {percent('GTA')} over a frozen trunk, {percent('GTA', learns)} fine-tuned and "
        f"{percent('GTA', 'scratch')} from scratch, over {len(tuned)} seeds each",
        f"{ahead[0]:.1f} points above the fine-tuned one (95 % interval of the mean: {ahead[1]})",
        f"has {larger:.1f} % where it learns from the larger part of the split and "
        f"{smaller:.1f} % from the smaller",
        f"GTA has {100 * one_seed['top1']:.1f} % fine-tuned (one seed) and "
        f"{100 * scratch_seed['top1']:.1f} % from scratch (one seed)",
        f"trunk has {in_folds(learns)} on and {in_folds(learns, task='wagon')} on , "
        f"{better[0][0]:.1f} points ({better[0][1]}) and {better[1][0]:.1f} points "
        f"({better[1][1]}) above the frozen one; with raw statistics that has "
        f"{in_folds('frozen', 'GTA, with statistics', 'wagon')} on . "
        f"From scratch it has {in_folds('scratch')} and {in_folds('scratch', task='wagon')}",
        f"trunk all heads are between {min(wagon[0])} and {max(wagon[0])} %, from scratch between "
        f"{min(wagon[1])} and {max(wagon[1])} %",
        f"Without it GTA has {percent(bare, learns)} in other scenes, {without[0][0]:.1f} points "
        f"less (95 % interval of the mean: {without[0][1]}), and {in_folds(learns, bare)} in "
        f"folds, {without[1][0]:.1f} points less ({without[1][1]}). Over a frozen trunk it has "
        f"{percent(bare)} without, {frozen_less:.1f} points less ({frozen_ends}), which three",
        f"From scratch, {percent(bare, 'scratch')} without and "
        f"{in_folds('scratch', bare)} in folds",
        f"is left out ({percent(bare, 'frozen', '', 'scenes')} without, "
        f"{percent('GTA', 'frozen', '', 'scenes')} with) or in folds "
        f"({in_folds('frozen', bare)} without)",
        f"order have {percent('frames in order')}, a mixing of them {percent('mixing of frames')} "
        f"and a GRU {percent('GRU')}",
        f"TAPE has {percent('TAPE')}; with",
        f"have {percent(three, larger_trunk)} in other scenes over {len(of(three, larger_trunk))} "
        f"seeds, {by_trunk[0]:.1f} points more (95 % interval of the mean: {by_trunk[1]}), and "
        f"{in_folds(larger_trunk, three)} in folds over {len(its_folds)}; on they have "
        f"{its_wagon[0]}, and {its_wagon[1]} with statistics",
        f"afterwards, they have {percent(three, larger_trunk, '', 'scenes')}, where they have "
        f"{percent(three, 'frozen', '', 'scenes')} over Lite0",
        f"from them has {percent(student)} in other scenes and "
        f"{percent(student, 'frozen', '', 'folds')} in folds; the same head alone has "
        f"{percent('GTA, bottleneck')} and {percent('GTA, bottleneck', 'frozen', '', 'folds')}",
    ]


def of_normalized(ours, runs) -> list[str]:
    """Clip normalization before the blocks of the networks of the other tables."""

    def gain(name: str) -> tuple:
        plain, clip = (
            runs.top1("clip_norm", f"{name} + GTA{how}")
            for how in ("", ", normalised over each clip")
        )
        by = ours.significance.welch(clip, plain, runs.repeats.floor)
        return by, f"{100 * by.low:+.1f} to {100 * by.high:+.1f}", f"{len(clip)} seeds"

    small, small_ends, small_seeds = gain("R2D-18")
    large, large_ends, large_seeds = gain("R2D-50")
    assert small.significant
    assert not large.significant
    return [
        f"adds {100 * small.mean:.1f} points to R2D-18 + GTA (95 % interval of the mean: "
        f"{small_ends}; {small_seeds}) and {100 * large.mean:.1f} points to R2D-50 + GTA "
        f"({large_ends}; {large_seeds})",
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
    assert decoupled == {"yes": 3, "no": 1}
    assert matrix == {"yes": 3, "no": 3}
    assert spatial == {"no": 4}
    assert places == {"no": 3}
    holds = "pixel . region G = . over region G = .$|^pixel .*G = 8 over pixel .*G = 1$"
    holds += "|SA . GTA over SA . TAPE|SA . TAPE G = 8 over"
    fails = "region G = . over pixel G|over TAPE|8 frames over GTA 8|GTA over (DNL, )?Slow"
    for pattern, verdict in ((holds, "yes"), (fails, "no")):
        assert {one for words, one in said.items() if re.search(pattern, words)} == {verdict}


def test_what_more_seeds_of_tape_have_changed(ours, runs):
    results, new = ours.results.read_results(), set()
    rows = [("table2b", "+ SA + TAPE"), *(("table7", f"{x}TAPE, G = {g}") for x, g in TAPES)]
    for row in rows:
        later = [run for run in runs.of(*row) if run["run"]["seed"] > 2]
        new |= {ours.results.key(run["run"]) for run in later}
    before = [run for run in results if ours.results.key(run["run"]) not in new]
    compare = ours.claims.compare
    now, then = compare(runs), compare(ours.rows.Runs(before, runs.repeats))
    changed = {str(pair) for pair, one in now.items() if one.significant != then[pair].significant}
    unchanged = "pixel + region G = 1 over region G = 1, harder level"
    lead = "SA + GTA over SA + TAPE"
    assert changed == {lead, "SA + TAPE G = 8 over SA + TAPE G = 1", unchanged}
    for pair, one in now.items():
        if str(pair) in (lead, unchanged):
            assert f"{100 * one.mean:.1f}" == f"{100 * then[pair].mean:.1f}"


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
    for groups in (1, 8):
        two = [runs.top1("table7", f"SA + {x}, G = {groups}") for x in ("TAPE", "pixel GTA")]
        assert not ours.significance.welch(*two, runs.repeats.floor).significant
    small = runs.top1("tape", "drawn at 0.02")
    assert ours.significance.welch(runs.top1("table2b", "+ SA + GTA"), small).p < 0.001
    for row in ("SA + TAPE, drawn at 0.02", "SA + region GTA"):
        assert min(runs.top1("steps", row)) > gta - 0.005
    assert max(runs.top1("steps", "SA + TA")) < CEILING
    assert min(mean(run["pairs"].values()) for run in runs.of("slowfast", "SlowFast")) > 0.9
    assert mean(runs.top1("figure5", "G = 32")) > mean(runs.top1("figure5", "G = 8")) - 0.005


def test_figure_5_beside_the_papers_claims(ours, runs):
    """docs/figures.md on the number of groups."""
    page = (Path(__file__).parents[2] / "docs/figures.md").read_text(encoding="utf-8")
    words = page.partition("### Figure 5")[2].partition("\n## ")[0].replace("\n", " ")
    one, eight, most = (
        f"{100 * mean(runs.top1('figure5', f'G = {groups}')):.1f} %" for groups in (1, 8, 32)
    )
    assert f"{one} with one and {eight} with eight" in words
    assert f"with 32 groups it is {most}" in words


def test_words_of_the_protocol(ours, runs):
    """docs/protocol.md on the open questions."""
    apart = {name: ours.page.controls(name, runs) for name in ours.page.CONTROLS}
    found = {(name, row) for name in apart for row, one in apart[name].items() if one.significant}
    layer = ("joins", "normalised over each clip (layer norm), from zero")
    rate = ("matrix", "learning rate x 0.1")
    assert found == {("regions", "R = 32"), rate, layer, ("figure5", "G = 1"), ("figure5", "G = 2")}
    assert apart["joins"][layer[1]].mean == pytest.approx(-0.01, abs=0.002)
    assert len(apart["joins"]) == 7
    longer, shorter = runs.top1("steps", "SA + TA"), runs.top1("table2b", "+ SA + TA")
    every = {name: one.rows for name, one in ours.tables.EXPERIMENTS.items()}
    settings = {name: {row.settings for row in rows} for name, rows in every.items()}
    same = {(s.lr, s.weight_decay, s.warmup) for one in settings.values() for s in one}
    assert len(same) == 1  # no baseline has a learning rate or weight decay of its own
    assert {name for name, one in settings.items() if {s.steps for s in one} != {1500}} == {"steps"}
    page = (ours.page.PAGE.parent / "protocol.md").read_text(encoding="utf-8")
    assert f"DNL gains {100 * (mean(longer) - mean(shorter)):.0f} points" in page
    assert f"{100 * CEILING:.1f} % at its hard level" in page
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


def test_the_page_on_streams_says_what_was_measured(ours):
    page = " ".join(ours.causal.PAGE.read_text(encoding="utf-8").split())
    assert " ".join(ours.causal.filled().split()) == page
    found = json.loads(ours.causal.DATA.read_text(encoding="utf-8"))
    runs = found["results"]
    whole, half = (runs[name]["0"] for name in (ours.causal.CAUSAL, ours.causal.CAUSAL_HALF))
    first, last = whole["frames"][:3], whole["frames"][-3:]
    timed = json.loads((ROOT / "benchmarks/results/export_formats.json").read_text())["step"]
    for figure in (
        f"takes {timed['wall_ms']:.1f} ms on one thread for a frame of `{timed['model']}`",
        f"median of {timed['steps']} steps",
        f"{found['clips']} held-out clips",
        "they are right in {:.0f}, {:.0f} and {:.0f} %".format(*(100 * share for share in first)),
        "the last three in {:.0f}, {:.0f} and {:.0f} %".format(*(100 * share for share in last)),
        "last three are right in {:.0f}, {:.0f} and {:.0f} % of the clips (seed 0)".format(
            *(100 * share for share in half["frames"][-3:])
        ),
        f"mean of the four in {100 * half['top1']:.1f} %",
    ):
        assert figure in page
    clips, full, stream = (
        mean(run[key] for run in runs[name].values())
        for name, key in (
            (ours.causal.CAUSAL_HALF, "top1"),
            (ours.causal.SPREAD, "top1"),
            (ours.causal.CAUSAL_HALF, "stream"),
        )
    )
    assert clips > full - 0.01
    assert stream > clips - 0.01
