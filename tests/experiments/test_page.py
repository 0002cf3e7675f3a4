"""The tables of the page are those of the results files; its pictures have all of them."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_tables_are_those_of_the_results(ours):
    page = ours.page.PAGE.read_text(encoding="utf-8")
    assert ours.page.with_parts(page, ours.page.parts(), ours.page.SOURCE) == page


def test_links_into_the_page_lead_somewhere(ours):
    titles = re.findall(r"^#+ (.*)$", ours.page.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    pages = [*ours.page.PAGE.parent.glob("*.md"), ROOT / "README.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    links = re.findall(r"results\.md#([^)\s]+)", text)
    links += re.findall(r"\]\(#([^)]+)\)", ours.page.PAGE.read_text(encoding="utf-8"))
    assert links
    assert set(links) <= anchors


def test_runs_of_a_row(ours, made_up):
    runs = made_up("table2b", {"R2D": [0.1, 0.2], "+ SA": [0.3]})
    assert runs.top1("table2b", "R2D") == [0.1, 0.2]
    (first, _) = runs.of("table2b", "R2D")
    assert runs.get(first["run"]) == first
    assert runs.get({"run": 1}) is None
    assert [row.label for _, row in ours.rows.short_rows(["table2b", "table2a"])][:2] == [
        "R2D",
        "+ SA",
    ]


def test_order_of_rows(ours, made_up):
    labels = [row.label for row in ours.tables.EXPERIMENTS["table2b"].rows]
    tops = (0.1, 0.3, 0.2, 0.1995, 0.4, 0.5)
    rows = {label: [top, top + 0.001] for label, top in zip(labels, tops, strict=True)}
    (line,) = ours.claims.order_table(made_up("table2b", rows)).splitlines()[2:]
    assert line.endswith("| 15 | 12 | 12 | 3 | 2 |")


def test_rows_against_the_block_as_it_is(ours, made_up, monkeypatch):
    monkeypatch.setattr(ours.page, "CONTROLS", {"regions": "R = 8"})
    rows = {"R = 8": [0.60, 0.62, 0.64], "R = 4": [0.70, 0.72, 0.74]}
    line = ours.page.control_table(made_up("regions", rows)).splitlines()[-1]
    assert line.endswith("| R = 8 (3 seeds) | R = 4: +10.0 | 4.5 |")  # 2.776 * 0.02 * sqrt(2/3)
    line = ours.page.control_table(made_up("regions", {**rows, "R = 4": rows["R = 8"]}))
    assert line.endswith("| none | 4.5 |")


def test_pictures(ours, tmp_path: Path, monkeypatch):
    """Every network that has run has a point in each part, and those that are named a name."""
    figures, pictures = [], ours.pictures
    monkeypatch.setattr(pictures.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    results, times = [], []
    for experiment in (*pictures.COST_TABLES, "figure5"):
        for _, job in ours.tables.EXPERIMENTS[experiment].jobs(2):
            top1 = 0.5 + 0.001 * len(results)
            about = {"top1": top1, "gflops": 4.0, "loss": [3.0, 1.0]}
            results.append({"run": job.identity(), **about})
            for ms, device in ((0.1, "NVIDIA H200"), (80.0, "CPU")):
                about = ours.times.timed(job, device)
                times.append({"run": about, "hardware": device, "ms": ms})
    runs = ours.rows.Runs(results)
    pictures.draw_cost(runs, times, tmp_path / "cost.png")
    pictures.draw_cost(runs, [], tmp_path / "cost.png")
    pictures.draw_groups(runs, tmp_path / "groups.png")
    pictures.draw_losses(runs, tmp_path / "loss.png")
    cost, without_times, groups, losses = figures
    networks = list(ours.rows.short_rows(pictures.COST_TABLES))
    assert [len(axes.containers) for axes in cost.axes] == [len(networks)] * 3
    assert len(without_times.axes) == 1
    named = {words for words, *_ in pictures.LABELS.values()}
    for axes in cost.axes:
        assert {text.get_text() for text in axes.texts} - {""} == named
    assert groups.axes[0].lines[0].get_xdata().tolist() == [1, 2, 4, 8, 16, 32]
    short, long = losses.axes
    assert [line.get_xdata().tolist() for line in short.lines] == [[375, 1125]] * 2 * 6
    assert len(short.texts) == 6
    assert not long.lines
