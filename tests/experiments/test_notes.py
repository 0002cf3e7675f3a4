"""What docs/results.md says in words is so in the results."""

import re
from itertools import combinations
from statistics import mean

import pytest


@pytest.fixture
def of(ours):
    """The mean top-1 of each row of an experiment, and whether two rows differ beyond seeds."""
    results = ours.results.read_results()
    found = ours.rows.Found(results)
    least = ours.repeats.read_repeats(results).spread

    class Rows(dict[str, float]):
        def __init__(self, name: str):
            self.found = found
            self.name, self.experiment = name, ours.tables.EXPERIMENTS[name]
            self.all = ours.notes.top1(name, found)
            super().__init__({label: mean(values) for label, values in self.all.items()})

        def differ(self, one: str, other: str) -> bool:
            return ours.spread.differ(self.all[one], self.all[other], least)

        def against(self) -> set[tuple[str, str]]:
            """Pairs in another order than the paper's: the better one here comes first."""
            papers = {row.label: row.paper for row in self.experiment.rows if row.paper is not None}
            return {
                (one, other)
                for pair in combinations(papers, 2)
                for one, other in (pair, pair[::-1])
                if papers[one] < papers[other] and self[one] > self[other]
            }

        def runs(self, label: str) -> list[dict]:
            return ours.notes.runs_of(self.name, label, found)

    return Rows


def test_what_is_said_of_table_1(of):
    rows = of("table1")
    for label in ("R2D-50", "+ NL", "+ DNL"):
        for run in rows.runs(label):
            assert run["reversed"] == pytest.approx(run["top1"], abs=0.002)
            assert mean(run["pairs"].values()) == pytest.approx(0.5, abs=0.02)


def test_what_is_said_of_tables_2(of):
    rows = of("table2b")
    assert rows.against() == {("R2D", "+ SA"), ("+ TA", "+ SA + TA")}
    assert len(rows.runs("+ SA")) == 6
    for pair in rows.against():
        assert not rows.differ(*pair)
    tape, deaf = rows.runs("+ SA + TAPE"), rows.runs("+ SA + TA")
    assert min(run["top1"] - run["reversed"] for run in tape) > 0.01  # it sees order
    assert max(abs(run["top1"] - run["reversed"]) for run in deaf) < 0.002
    rows = of("table2a")
    assert rows.against() == set()
    assert rows["pixel, G = 8"] > 0.93
    eight, pixel = "pixel + region, G = 8", "pixel, G = 8"
    assert rows[eight] - rows[pixel] == pytest.approx(0.005, abs=0.001)
    assert rows.differ(eight, pixel)
    harder = of("harder")
    assert {len(runs) for runs in harder.all.values()} == {3}
    assert not harder.differ(eight, pixel)
    rows = of("table2c")
    assert rows.against() == set()
    single = [label for label in rows if label.endswith("+ 1") and "," not in label]
    assert min(single, key=rows.__getitem__) == "res5 + 1"


def test_what_is_said_of_table_3(of):
    rows = of("table3")
    blind = [label for label in rows if label != "GTA"]
    for label in blind:
        for run in rows.runs(label):
            assert run["reversed"] == pytest.approx(run["top1"], abs=0.002)
    for name in ("CGNL", "GCNet", "GloRe"):
        assert rows[f"{name}, decoupled"] > rows[name]
        assert rows.differ(f"{name}, decoupled", name)
    assert rows.against()
    for pair in rows.against():
        assert "GTA" not in pair
        assert len({"decoupled" in label for label in pair}) == 1
        assert not rows.differ(*pair)


def test_what_is_said_of_table_7(ours, of):
    rows = of("table7")
    papers = {row.label: row.paper for row in rows.experiment.rows}
    for name in ("pixel GTA", "SA + pixel GTA"):
        eight, one = f"{name}, G = 8", f"{name}, G = 1"
        assert rows[eight] - rows[one] > (papers[eight] - papers[one]) / 100 > 0
        assert rows.differ(eight, one)
    assert not rows.differ("TAPE, G = 8", "TAPE, G = 1")
    assert rows.against()
    for _, worse_here in rows.against():
        assert worse_here.startswith("SA + ")
    for name in ("TAPE, G = 1", "TAPE, G = 8", "pixel GTA, G = 1", "pixel GTA, G = 8"):
        assert not (rows.differ(f"SA + {name}", name) and rows[f"SA + {name}"] > rows[name])
    assert rows.differ("SA + TAPE, G = 1", "TAPE, G = 1")
    blind = max(of("table2b").all["+ SA + TA"])
    assert min(rows.all["TAPE, G = 1"]) > blind  # a part of the order
    with_sa, alone = "SA + TAPE, G = 1", "TAPE, G = 1"
    assert rows.differ(with_sa, alone)
    assert len(rows.all[with_sa] + rows.all[alone]) == 12
    repeats = ours.repeats.read_repeats(ours.results.read_results())
    told = ours.notes.note("table7", rows.found, repeats).replace("\n", " ")
    ends = [float(one) / 100 for one in re.findall(r"ended at ([\d.]+) and ([\d.]+)", told)[0]]
    (run,) = [
        run
        for run in rows.runs(with_sa)
        if [run["top1"], *repeats.of(run["run"])] == pytest.approx(ends, abs=0.001)
    ]
    rows.all[with_sa].remove(run["top1"])
    rows.all[with_sa].append(max(ends))
    assert not rows.differ(with_sa, alone)


def test_what_is_said_of_groups_and_the_harder_level(of):
    rows, harder, easier = of("figure5"), of("harder"), of("table2a")
    best = max(rows.values())
    assert min(rows, key=rows.__getitem__) == "G = 1"
    assert rows["G = 32"] >= rows["G = 8"] - 0.005
    assert best < 0.98
    both = "pixel + region, G = 8", "pixel + region, G = 1"
    assert harder.differ(*both)
    assert easier.differ(*both)
    assert harder[both[0]] - harder[both[1]] > easier[both[0]] - easier[both[1]]
    assert harder.against() == {("region, G = 8", "pixel, G = 1")}
    assert not harder.differ("region, G = 8", "pixel, G = 1")
    assert max(harder.values()) - min(harder.values()) > max(easier.values()) - min(easier.values())
    assert max(harder.values()) < 0.8


def test_what_is_said_of_places(of):
    both, (sooner,) = of("places").all.values()
    assert len(both) == 2
    assert sooner == pytest.approx(max(both), abs=0.0005)


def test_what_is_said_of_open_questions(ours, of):
    """In docs/protocol.md too."""
    found = of("table2b").found
    repeats = ours.repeats.read_repeats(ours.results.read_results())
    told = {
        name: {
            label
            for label, one in ours.notes.compared(name, found, repeats).items()
            if one.p < 0.05
        }
        for name in ours.notes.CONTROLS
    }
    assert told == {
        "assignment": set(),
        "regions": {"R = 32"},
        "region": set(),
        "matrix": {"learning rate x 0.1"},
        "joins": {"normalised over each clip (layer norm), from zero"},
        "figure5": {"G = 1", "G = 2"},
    }
    apart = ours.notes.compared("joins", found, repeats)
    assert apart.pop("normalised over each clip (layer norm), from zero").mean == pytest.approx(
        -0.01, abs=0.002
    )
    assert len(apart) == 6


def test_what_is_said_of_table_5_and_slowfast(ours, of):
    rows = of("tsm")
    both, alone = "TSM + GTA, {} frames", "GTA, {} frames"
    assert rows[both.format(8)] > rows["TSM, 8 frames"]
    assert rows.differ(both.format(8), "TSM, 8 frames")
    for frames in (8, 16):
        assert rows[both.format(frames)] < rows[alone.format(frames)]
        assert not rows.differ(both.format(frames), alone.format(frames))
    assert mean(mean(run["pairs"].values()) for run in rows.runs(alone.format(8))) > 0.985
    *others, worst = sorted(rows.runs(both.format(16)), key=lambda run: run["loss"][-1])
    assert worst["top1"] == min(rows.all[both.format(16)])
    without = mean(run["top1"] for run in others)
    assert without > rows[both.format(8)] > rows[both.format(16)]
    assert abs(without - rows[alone.format(16)]) < abs(rows[both.format(8)] - rows[alone.format(8)])
    found = ours.rows.Found(ours.results.read_results())
    for label in ours.tables.ENSEMBLES["tsm"]:
        ends = [
            found.get(identity)
            for name, identity, _ in ours.ensembles.members("tsm")
            if name == label
        ]
        assert mean(end["top1"] - max(end["members"]) for end in ends) > 0
    rows, frames = of("slowfast"), of("table2b")
    assert {len(runs) for runs in rows.all.values()} == {6}
    for label in ("SlowFast", "+ NL", "+ DNL"):
        assert rows["+ GTA"] > rows[label]
        assert rows.differ("+ GTA", label)
    assert rows["+ GTA"] - rows["SlowFast"] < frames["+ SA + GTA"] - frames["R2D"]
    assert rows.against() == {("SlowFast", "+ NL"), ("SlowFast", "+ DNL")}
    for pair in rows.against():
        assert not rows.differ(*pair)
    assert min(mean(run["pairs"].values()) for run in rows.runs("SlowFast")) > 0.9


def test_what_is_said_of_three_times_the_steps(of):
    long, short = of("steps"), of("table2b")
    for label in ("SA + TAPE", "SA + region GTA"):
        assert long[label] > short["+ SA + GTA"] - 0.005
    assert long["SA + TA"] < 0.591


def test_what_is_said_of_real_clips(ours):
    results = ours.results.read_results(ours.results.REAL_FILE)
    (folds, *_), real = ours.report_real.SECTIONS, ours.report_real
    found = real.networks(results, folds)
    top1 = {which: [run["top1"] for run in runs] for which, runs in found.items()}
    assert set(top1["TAPE", "scratch"]) == {0.5}
    svm = [
        one["top1"]
        for one in results
        if one["run"].get("baseline") == ours.real_baselines.BASELINES[0]
        and (one["run"]["task"], one["run"]["held_out"]) == ("sit-stand", "folds")
    ]
    assert abs(mean(top1["GTA", "scratch"]) - mean(svm)) < 0.01
    best = sorted(top1, key=lambda which: -mean(top1[which]))
    scratch = [name for name, start in best if start == "scratch"]
    assert set(scratch[:2]) == {"TSM", "TSM + GTA"}
    assert mean(top1["GTA", "ordered"]) > mean(svm)
    for name in ("TSM", "TSM + GTA"):
        assert mean(top1["GTA", "ordered"]) > mean(top1[name, "ordered"]) - 0.01
    plain, *augmented = (one for one in real.SECTIONS if one.held_out == "split")
    without = real.networks(results, plain)
    for section in augmented:
        for which, runs in real.networks(results, section).items():
            both = ([run["top1"] for run in found] for found in (runs, without[which]))
            assert ours.spread.welch(*both).low <= 0
