"""The page says what the results files say, and no more."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent


def test_the_page_is_that_of_the_results(ours):
    assert ours.report.PAGE.read_text(encoding="utf-8") == ours.report.page()


def test_links_into_the_page_lead_somewhere(ours):
    titles = re.findall(r"^#+ (.*)$", ours.report.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    pages = [*ours.report.DOCS.glob("*.md"), ROOT / "README.md"]
    links = [
        link for page in pages for link in re.findall(r"results\.md#([^)\s]+)", page.read_text())
    ]
    assert links
    assert set(links) <= anchors


def test_notes_wait_for_the_last_run(ours):
    results, none = ours.results.read_results(), ours.repeats.Repeats()
    told = ours.notes.note("assignment", ours.rows.Found(results), none)
    table = ours.tables.EXPERIMENTS["table2b"]
    runs = ours.rows.Found(results).of(table.rows[-1], table)
    lead = f'Compared with "softmax_regions" and its {len(runs)} seeds, '
    assert told.replace("\n", " ").startswith(lead)
    _, job = ours.tables.EXPERIMENTS["assignment"].jobs()[-1]
    key, last = ours.results.key, ours.results.key(job.identity())
    without = [one for one in results if key(one["run"]) != last]
    assert len(without) < len(results)
    assert ours.notes.note("assignment", ours.rows.Found(without), none) == ""
    assert set(ours.notes.NOTES) <= set(ours.tables.EXPERIMENTS)


def test_order_of_rows(ours):
    table = ours.tables.EXPERIMENTS["table2b"]
    results = [
        {"run": table.job(row, seed).identity(), "top1": value + 0.001 * seed}
        for row, value in zip(table.rows, (0.1, 0.3, 0.2, 0.1995, 0.4, 0.5), strict=True)
        for seed in range(3)
    ]
    told = ours.report.order(table, ours.rows.Found(results)).replace("\n", " ")
    assert told.startswith(
        "12 of 15 pairs of rows are in the paper's order, 12 of them by more than seeds explain"
    )
    assert told.endswith(
        "The other way round: + SA above + TA (beyond seeds); + SA above + SA + TA (beyond seeds); "
        "+ TA above + SA + TA."
    )


def test_pairs_with_one_seed_are_not_said_to_be_alike(ours):
    table = ours.tables.EXPERIMENTS["table2b"]
    results = [
        {"run": table.job(row, seed).identity(), "top1": value + 0.01 * seed}
        for row, value, seeds in zip(table.rows, (0.1, 0.3, 0.5), (2, 2, 1), strict=False)
        for seed in range(seeds)
    ]
    told = ours.report.order(table, ours.rows.Found(results))
    assert ", 1 of the 1 with several seeds each by more than" in told
    assert "seeds" not in ours.report.order(table, ours.rows.Found(results[-1:] + results[:1]))


def test_later_seeds_are_held_to_the_first_ones(ours):
    table = ours.tables.EXPERIMENTS["table2b"]

    def told(*rows: list[float]) -> str:
        results = [
            {"run": table.job(row, seed).identity(), "top1": value}
            for row, values in zip(table.rows, rows, strict=False)
            for seed, value in enumerate(values)
        ]
        return ours.report.told_later(ours.rows.Found(results))

    first = [0.60, 0.62, 0.64]  # 52.1 to 71.9
    assert told(first) == ""
    later = told([*first, 0.53, 0.71, 0.73], [*first, 0.52], first)
    assert later == "; that of the first 3 seeds of a row has 2 of 4 later ones"


def test_runs_that_were_made_twice(ours, tmp_path: Path):
    table, file = ours.tables.EXPERIMENTS["table2b"], tmp_path / "ordered.jsonl"
    run = table.job(table.rows[0], 0).identity()
    results = [{"run": run, "top1": 0.5}]
    log = ours.logs.log_to(tmp_path / "ordered.log")
    for words in ("begins on cpu", "ends: top-1 0.5, 3 s"):
        log(ours.logs.run_id(run), words)
    once = ours.repeats.read_repeats(results, [file], [])
    found = ours.rows.Found(results)
    assert (once.of(run), once.spread(0.5), ours.report.told_twice(once, found)) == ([], 0.0, "")
    for words in ("begins on cpu", "ends: top-1 0.53, 3 s", "begins on cpu", "fails"):
        log(ours.logs.run_id(run), words)
    twice = ours.repeats.read_repeats(results, [file], [])
    assert twice.of(run) == [0.53]
    assert twice.apart == [pytest.approx((0.5, 0.03))]
    told = ours.report.told_twice(twice, found).replace("\n", " ")
    assert (
        "ended 3.0 points from the one in the file in the mean, 3.0 in the median and 3.0" in told
    )
    log(ours.logs.run_id(run), "begins on cpu")
    log(ours.logs.run_id(run), "ends: top-1 0.5, 3 s")  # as the first time
    thrice = ours.repeats.read_repeats(results, [file], [])
    assert [far for _, far in thrice.apart] == pytest.approx([0.03, 0])
    earlier = [{"run": run, "top1": 0.52}, {"run": {"of": "no row"}, "top1": 0.9}]
    more = ours.repeats.read_repeats(results, [file], earlier)
    assert more.of(run) == [0.53, 0.5, 0.52]


def test_the_spread_of_repetitions_is_of_the_nearest_ones(ours, monkeypatch):
    monkeypatch.setattr(ours.repeats, "_NEAREST", 4001)
    rng, apart = np.random.default_rng(0), []
    for top1, deviation in ((0.5, 0.02), (0.9, 0.01)):
        draws = rng.normal(top1, deviation, (2, 4001))
        apart += [(top1, far) for far in abs(draws[0] - draws[1])]
    repeats = ours.repeats.Repeats(apart=apart)
    assert repeats.spread(0.4) == pytest.approx(0.02, rel=0.05)
    assert repeats.spread(0.8) == pytest.approx(0.01, rel=0.05)


def test_pictures(ours, tmp_path: Path, monkeypatch):
    """Every variant that has run is in the legend, and has a point in each part."""
    figures = []
    monkeypatch.setattr(
        ours.pictures.Figure, "savefig", lambda figure, *_, **__: figures.append(figure)
    )
    results, times = [], []
    for experiment in (*ours.pictures.COST_TABLES, "figure5"):
        for _, job in ours.tables.EXPERIMENTS[experiment].jobs(2):
            top1 = 0.5 + 0.001 * len(results)
            results.append({"run": job.identity(), "top1": top1, "gflops": 4.0})
            for ms, device in ((0.1, "NVIDIA H200"), (80.0, "CPU")):
                about = ours.times.timed(job, device)
                times.append({"run": about, "hardware": device, "ms": ms})
    ours.pictures.draw_cost(results, times, tmp_path / "cost.png")
    ours.pictures.draw_groups(results, tmp_path / "groups.png")
    ours.pictures.draw_cost(results, [], tmp_path / "cost.png")
    cost, groups, without_times = figures
    table = ours.tables.EXPERIMENTS["table2b"]
    runs = [{"run": job.identity(), "top1": 0.5, "loss": [3.0, 1.0]} for _, job in table.jobs(2)]
    ours.pictures.draw_losses(runs, tmp_path / "loss.png")
    short, long = figures[3].axes
    assert [line.get_xdata().tolist() for line in short.lines] == [[375, 1125]] * 2 * 6
    assert len(short.get_legend().get_texts()) == 6
    assert not long.lines
    assert len(without_times.axes) == 1
    variants = {
        row.model.model_dump_json()
        for name in ours.pictures.COST_TABLES
        for row in ours.tables.EXPERIMENTS[name].rows
    }
    assert [len(axes.containers) for axes in cost.axes] == [len(variants)] * 3
    assert len(cost.legends[0].get_texts()) == len(variants)
    assert groups.axes[0].lines[0].get_xdata().tolist() == [1, 2, 4, 8, 16, 32]
