"""The experiments: runs end to end, goes on, and the page says what the results file says."""

import importlib
import json
import re
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

ROOT = Path(__file__).parent.parent.parent
NAMES = (
    *(
        "claims",
        "clips",
        "ensembles",
        "logs",
        "notes",
        "pictures",
        "rows",
        "spread",
        "times",
        "report",
        "results",
        "scoring",
        "settings",
        "tables",
        "training",
        "weights",
    ),
    *("workers", "__main__"),
)


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of the package, which is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return SimpleNamespace(
        **{name.strip("_"): importlib.import_module(f"experiments.{name}") for name in NAMES}
    )


@pytest.fixture
def small(ours):
    """A job of seconds."""
    data = ours.settings.Data(num_train=44, num_val=44, num_frames=8, side=32)
    settings = ours.settings.Settings(steps=3, batch_size=4, crop=28)
    tiny = importlib.import_module("gta.models").MODELS["tiny_gta"]
    return ours.settings.Job(tiny, settings, data, 0)


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
    results = ours.results.read_results()
    told = ours.notes.note("assignment", ours.rows.Found(results))
    table = ours.tables.EXPERIMENTS["table2b"]
    runs = ours.rows.Found(results).of(table.rows[-1], table)
    interval = ours.spread.prediction_interval([run["top1"] for run in runs])
    assert f"has {len(runs)} seeds, the other rows 1 each" in told
    assert f"would be at\n{interval}:" in told
    _, job = ours.tables.EXPERIMENTS["assignment"].jobs()[-1]
    without = [one for one in results if one["run"] != job.identity()]
    assert len(without) < len(results)
    assert ours.notes.note("assignment", ours.rows.Found(without)) == ""
    assert set(ours.notes.NOTES) <= set(ours.tables.EXPERIMENTS)


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
    assert ours.spread.prediction_interval(values[:1]) == ours.spread.spread([]) == ""
    # Welch's test of 60, 62, 64 against itself moved by d: t = d / sqrt(8/3), 4 degrees of freedom,
    # of which 2.776 is the 97.5 % point: d = 4.53
    assert not ours.spread.differ(values, [one + 0.045 for one in values])
    assert ours.spread.differ(values, [one + 0.046 for one in values])
    assert not ours.spread.differ(values[:1], [0.0, 0.0])
    assert ours.spread.differ([0.5, 0.5], [0.6, 0.6])


def test_claims_are_of_rows_that_there_are(ours):
    for claim in ours.claims.CLAIMS:
        for name, better, worse in claim.pairs:
            rows = [
                ours.claims.find_row(ours.tables.EXPERIMENTS[name], label)
                for label in (better, worse)
            ]
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
        shown = ours.claims.claims(ours.rows.Found(results))
        return [line for line in shown.splitlines() if "SA + GTA over" in line]

    lead = "| SA + GTA over SA + TA | +11.8 | "
    # standard deviations of 0.02, a difference of 0.1 and of 0.04; t(4) at 97.5 % is 2.776
    values, higher, near = [0.60, 0.62, 0.64], [0.70, 0.72, 0.74], [0.64, 0.66, 0.68]
    assert told(higher, values) == [f"{lead}+10.0 (+5.5 to +14.5) | yes |"]
    assert told(values, higher) == [f"{lead}-10.0 (-14.5 to -5.5) | no |"]
    assert told(near, values) == [f"{lead}+4.0 (-0.5 to +8.5) | open |"]
    assert told(higher, values[:1]) == [f"{lead}+12.0 | open |"]
    assert told(higher, []) == []


def test_order_of_rows(ours):
    table = ours.tables.EXPERIMENTS["table2b"]
    results = [
        {"run": table.job(row, seed).identity(), "top1": value + 0.001 * seed}
        for row, value in zip(table.rows, (0.1, 0.3, 0.2, 0.1995, 0.4, 0.5), strict=True)
        for seed in range(3)
    ]
    told = ours.report.order(table, ours.rows.Found(results)).replace("\n", " ")
    assert told.startswith(
        "12 of 15 pairs of rows are in the paper's order; 14 of them differ by more"
    )
    assert told.endswith("of those the other way round: + SA above + TA; + SA above + SA + TA.")


def test_pairs_with_one_seed_are_not_said_to_be_alike(ours):
    table = ours.tables.EXPERIMENTS["table2b"]
    results = [
        {"run": table.job(row, seed).identity(), "top1": value + 0.01 * seed}
        for row, value, seeds in zip(table.rows, (0.1, 0.3, 0.5), (2, 2, 1), strict=False)
        for seed in range(seeds)
    ]
    told = ours.report.order(table, ours.rows.Found(results))
    assert "; 1 of the 1 with several seeds each differ" in told
    assert "differ" not in ours.report.order(table, ours.rows.Found(results[-1:] + results[:1]))


def test_runs_that_were_made_twice(ours, tmp_path: Path, monkeypatch):
    table = ours.tables.EXPERIMENTS["table2b"]
    run = table.job(table.rows[0], 0).identity()
    ours.results.append_result({"run": run, "top1": 0.5}, tmp_path / "ordered.jsonl")
    log = ours.logs.log_to(tmp_path / "ordered.log")
    monkeypatch.setattr(ours.report, "FILE", tmp_path / "ordered.jsonl")
    monkeypatch.setattr(ours.report, "REAL_FILE", tmp_path / "ordered.jsonl")
    for words in ("begins on cpu", "ends: top-1 0.5, 3 s"):
        log(ours.logs.run_id(run), words)
    assert ours.report.repeats() == {}
    for words in ("begins on cpu", "ends: top-1 0.53, 3 s", "begins on cpu", "fails"):
        log(ours.logs.run_id(run), words)
    assert ours.report.repeats() == pytest.approx({"count": 1, "mean": 3, "most": 3})


def test_results_are_those_of_their_log(ours):
    said = ours.logs.read_log(ours.logs.log_file(ours.results.FILE))
    for one in ours.results.read_results():
        if "ensemble" in one["run"] or one["date"] < "2026-11-27":  # the log begins there
            continue
        told = [
            words
            for words in said[ours.logs.run_id(one["run"])]
            if words[-1] == f"ends: top-1 {one['top1']}, {one['elapsed']} s"
        ]
        assert told
        losses = [float(words.rpartition(" ")[2]) for words in told[-1][1:-1]]
        assert losses == one["loss"]


def test_pictures(ours, tmp_path: Path, monkeypatch):
    """Every variant that has run is in the legend, and has a point in each half."""
    figures = []
    monkeypatch.setattr(
        ours.pictures.Figure, "savefig", lambda figure, *_, **__: figures.append(figure)
    )
    results, times = [], []
    for experiment in (*ours.pictures.COST_TABLES, "figure5"):
        for _, job in ours.tables.EXPERIMENTS[experiment].jobs(2):
            top1 = 0.5 + 0.001 * len(results)
            results.append({"run": job.identity(), "top1": top1, "gflops": 4.0})
            times.append({"run": ours.times.timed(job), "ms": 0.1})
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
    assert [len(axes.containers) for axes in cost.axes] == [len(variants)] * 2
    assert len(cost.legends[0].get_texts()) == len(variants)
    assert groups.axes[0].lines[0].get_xdata().tolist() == [1, 2, 4, 8, 16, 32]


def test_time_of_a_clip(ours, small, monkeypatch):
    monkeypatch.setattr(ours.times, "REPEATS", 3)
    assert 0.1 < ours.times.milliseconds(small, torch.device("cpu"), batch=2) < 1000
    longer = replace(small, settings=replace(small.settings, num_frames=16))
    assert ours.times.job_key(longer) != ours.times.job_key(small)
    assert ours.times.job_key(replace(small, seed=1)) == ours.times.job_key(small)


def test_every_result_is_of_an_experiment(ours):
    known = {
        ours.rows.without_seed(job.identity())
        for experiment in ours.tables.EXPERIMENTS.values()
        for _, job in experiment.jobs(1)
    }
    for name in ours.tables.ENSEMBLES:
        known |= {ours.results.key(identity) for _, identity, _ in ours.ensembles.members(name, 9)}
    results = ours.results.read_results()
    assert results
    for result in results:
        assert ours.rows.without_seed(result["run"]) in known
        assert 0 < result["top1"] < 1
        assert result["commit"] != "unknown"


def test_rows_are_networks_that_can_be_built(ours):
    jobs = {}
    for experiment in ours.tables.EXPERIMENTS.values():
        jobs |= {job.model.model_dump_json(): job for _, job in experiment.jobs(1)}
        assert len({row.label for row in experiment.rows}) == len(experiment.rows)
    with torch.device("meta"):
        for job in jobs.values():
            job.network()


def test_the_papers_figures_are_those_of_its_tables(ours):
    """Against a copy of what is printed, by hand, from Tables 1, 2 and 7."""
    printed = {
        "table1": [17.0, 31.2, 38.8, 50.6],
        "table2a": [50.6, 49.6, 47.9, 49.4, 49.1, 46.3],
        "table2b": [17.0, 17.9, 37.6, 38.8, 48.4, 50.6],
        "table2c": [17.0, 46.2, 46.4, 37.4, 49.5, 50.6],
        "table3": [26.7, 37.4, 28.4, 39.0, 33.2, 38.6, 50.6],
        "table7": [46.5, 47.2, 48.0, 48.5, 48.4, 48.8, 49.1, 49.6],
        "slowfast": [50.9, 51.7, 52.0, 53.4],
    }
    for name, values in printed.items():
        assert [row.paper for row in ours.tables.EXPERIMENTS[name].rows] == values


def test_a_run_is_a_function_of_its_seed(ours, small, tmp_path: Path):
    paths = ours.clips.render(small.data, tmp_path, workers=1)
    clips = [
        ours.clips.load(paths[part], 22, torch.device("cpu")) for part in ("train", "val", "longer")
    ]
    said = []
    one, scores, _ = ours.scoring.run(small, *clips, said.append)
    again, same, _ = ours.scoring.run(small, *clips)
    other, _, _ = ours.scoring.run(replace(small, seed=1), *clips)
    assert scores.equal(same)
    assert one["loss"] == again["loss"]
    assert said == [f"step {i + 1}: loss {loss}" for i, loss in enumerate(one["loss"])]
    assert one["epochs"] == round(3 * 4 / 44, 2)
    assert one["loss"] != other["loss"]
    assert scores.shape == (44, 22)
    assert (one["other_frames"]["frames"], one["other_frames"]["clips"]) == (4, 44)
    assert (one["longer"]["frames"], one["longer"]["clips"]) == (16, 11)


def test_starts_of_the_matrix(ours, small):
    def matrices(how: str) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = small.network()
        ours.training.initialise(model, how)
        return [p.detach() for name, p in model.named_parameters() if name.endswith(".matrix")]

    assert len(matrices("normal")) == 4  # pixels and regions, at two places
    for normal, small_one, identity in zip(
        *map(matrices, ("normal", "small", "identity")), strict=True
    ):
        torch.testing.assert_close(small_one, 0.1 * normal)
        value = torch.randn(2, 16, 8, 5)
        mix = importlib.import_module("gta.blocks.channel_groups").mix_groups
        if identity.shape[0] == 8:
            torch.testing.assert_close(mix(identity, value), value)
    with pytest.raises(ValueError, match="matrix_init='zero' is not possible; it is normal, small"):
        matrices("zero")


def test_twice_the_frames_are_the_same_scenes(ours, small, tmp_path: Path):
    paths = ours.clips.render(small.data, tmp_path, workers=1)
    val, longer = (
        ours.clips.load(paths[part], 22, torch.device("cpu")) for part in ("val", "longer")
    )
    assert longer.labels.equal(val.labels[:11])
    # the first and the last frame are of the same moments, but for the noise
    ends = (longer.frames[:, [0, -1]].float() - val.frames[:11, [0, -1]].float()).abs().mean()
    assert ends < 10 < (longer.frames[:, [0]].float() - val.frames[11:22, [0]]).abs().mean()


@pytest.mark.slow
def test_a_compiled_step_trains_alike(ours, small, tmp_path: Path, monkeypatch):
    # traced whole, without the compiler's own minutes
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    paths = ours.clips.render(small.data, tmp_path, workers=1)
    clips = [
        ours.clips.load(paths[part], 22, torch.device("cpu")) for part in ("train", "val", "longer")
    ]
    plain, _, _ = ours.scoring.run(small, *clips)
    found, _, _ = ours.scoring.run(small, *clips, compiled=True)
    assert (plain["compiled"], found["compiled"]) == (False, True)
    assert found["loss"] == pytest.approx(plain["loss"], abs=2e-3)


JOINS = ("zero", "one", "layer", "none", "shared", "before", "around", "parallel")


@pytest.mark.parametrize("join", JOINS)
def test_a_block_can_join_its_network_in_other_ways(ours, small, join: str):
    def network(model, join: str):
        torch.manual_seed(0)
        settings = replace(small.settings, join=join)
        return ours.settings.Job(model, settings, small.data, 0).network(8)

    clip = torch.randn(2, 3, 8, 64, 64)
    model = network(small.model, join)
    plain = small.model.model_copy(update={"blocks": (), "placement": {}})
    without = network(plain, "zero")
    without.load_state_dict(
        {name: one for name, one in model.state_dict().items() if "inserted" not in name}
    )
    logits = model.eval()(clip)
    identity = (logits - without.eval()(clip)).abs().max() < 1e-4
    assert identity == (join != "one")  # when it is inserted
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(4):  # W_O or a norm at zero opens first, then what is behind it
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model.train()(clip), torch.tensor([0, 1])).backward()
        optimizer.step()
    inserted = dict(model.inserted.named_parameters())
    still = [name for name, one in inserted.items() if not one.grad.abs().max() > 0]
    assert not still
    difference = (model.eval()(clip.flip(2)) - model(clip)).abs().max().item()
    assert difference > 1e-4  # it sees the order


def test_ways_to_join_that_are_not_there_are_refused(ours, small):
    wrong = replace(small, settings=replace(small.settings, join="two"))
    with pytest.raises(ValueError, match="join='two' is not possible; it is one of zero, one,"):
        wrong.network()


def test_draws(ours, small):
    device = torch.device("cpu")
    settings = replace(small.settings, steps=22)
    draws = ours.clips.draw(small.data, settings, 3, device)
    assert draws.clips.flatten()[:44].sort().values.tolist() == list(range(44))  # an epoch each
    assert draws.clips.flatten()[44:].sort().values.tolist() == list(range(44))
    assert draws.frames.diff(dim=-1).min() == 1  # 8 of 8
    sixteen = ours.clips.draw(replace(small.data, num_frames=16), settings, 3, device)
    assert (sixteen.frames // 2 == torch.arange(8)).all()
    assert set((sixteen.frames % 2).flatten().tolist()) == {0, 1}
    assert (draws.top.min(), draws.top.max()) == (0, 4)
    assert not draws.top.equal(draws.left)


def test_gather(ours):
    frames = torch.randint(256, (5, 6, 9, 10, 3), dtype=torch.uint8)
    clips = ours.clips.Clips(frames, torch.arange(5))
    index, which = torch.tensor([4, 0]), torch.tensor([[0, 5], [3, 2]])
    top, left = torch.tensor([1, 2]), torch.tensor([3, 0])
    batch = ours.clips.gather(clips, index, which, top, left, 7)
    assert batch.shape == (2, 3, 2, 7, 7)
    for i in range(2):
        wanted = frames[index[i], which[i], top[i] : top[i] + 7, left[i] : left[i] + 7]
        assert batch[i].permute(1, 2, 3, 0).equal(wanted)


def test_figures(ours):
    labels = torch.arange(22)
    perfect = torch.eye(22)
    found = ours.scoring.figures(perfect, labels)
    assert (found["top1"], found["neutral"], set(found["pairs"].values())) == (1, 1, {1.0})
    keys = ours.training.KEYS
    swapped = perfect.clone()
    up, down = keys.index("up"), keys.index("down")
    swapped[[up, down]] = perfect[[down, up]]
    found = ours.scoring.figures(swapped, labels)
    assert found["pairs"]["up"] == 0
    assert sum(found["pairs"].values()) == len(found["pairs"]) - 1
    assert found["top1"] == round(20 / 22, 5)


def test_probes_change_the_order_alone(ours):
    frames = torch.arange(8).expand(5, -1)
    assert ours.scoring.reverse(frames)[2].tolist() == list(range(7, -1, -1))
    shuffled = ours.scoring.shuffle(frames)
    assert shuffled.sort(1).values.equal(frames)
    assert len({tuple(row.tolist()) for row in shuffled}) > 1
    assert shuffled.equal(ours.scoring.shuffle(frames))
    dropped = ours.scoring.drop(frames)
    assert all(len(set(row.tolist())) in (6, 7) for row in dropped)  # 7: a lost one's neighbour too
    assert (dropped - frames).abs().max() == 1
    centres = torch.arange(1, 16, 2).expand(5, -1)
    assert ours.scoring.middle(centres)[0].tolist() == list(range(4, 12))


def test_half_a_line_is_no_result(ours, tmp_path: Path, capsys):
    path = tmp_path / "results.jsonl"
    ours.results.append_result({"run": 1}, path)
    with path.open("ab") as file:
        file.write(b'{"run": 2, "to')
    assert ours.results.read_results(path) == [{"run": 1}]
    assert "the last line is not whole; that run counts as not done" in capsys.readouterr().out
    ours.results.append_result({"run": 3}, path)
    assert [result["run"] for result in ours.results.read_results(path)] == [1, 3]


@pytest.mark.slow
def test_the_command_runs_what_is_missing(ours, small, tmp_path: Path, monkeypatch, capsys):
    row = ours.tables.Row("GTA", small.model, 50.6, small.settings)
    plain = ours.tables.Row("none", small.model.model_copy(update={"blocks": (), "placement": {}}))
    plain = replace(plain, settings=small.settings)
    monkeypatch.setattr(ours.tables, "DATA", small.data)
    monkeypatch.setitem(
        ours.main.EXPERIMENTS, "table1", ours.tables.Experiment("Small", (row, plain), seeds=2)
    )
    both = {"GTA and none": (("GTA", "none"), 56.5)}
    monkeypatch.setitem(ours.tables.ENSEMBLES, "table1", both)
    out = tmp_path / "results.jsonl"

    def call(*words: str) -> str:
        where = ["--device", "cpu", "--jobs", "2", "--work", str(tmp_path), "--results", str(out)]
        monkeypatch.setattr(sys, "argv", ["experiments", "table1", *words, *where])
        ours.main.main()
        return capsys.readouterr().out

    assert "2/2 " in call("--seeds", "1", "--commit", "abc")
    first = out.read_text()
    assert {json.loads(line)["commit"] for line in first.splitlines()} == {"abc"}
    assert len(first.splitlines()) == 3  # with their ensemble
    call("--seeds", "1")
    assert out.read_text() == first
    assert "2/2 " in call("--seeds", "2")
    assert out.read_text().startswith(first)
    lines = [json.loads(line) for line in out.open()]
    found = [one["run"] for one in lines]
    assert sorted(run["seed"] for run in found if "seed" in run) == [0, 0, 1, 1]
    together = [one for one in lines if "ensemble" in one["run"]]
    assert len(together) == 2
    assert all(len(one["members"]) == 2 for one in together)
    (tmp_path / "results.jsonl").rename(tmp_path / "before.jsonl")
    lines = [json.dumps(one) for one in lines if "ensemble" not in one["run"]]
    out.write_text("\n".join(lines) + "\n")
    for path in tmp_path.glob("scores-*"):
        path.unlink()
    assert "2/2 " in call("--seeds", "1")  # for their scores alone
    assert len(out.read_text().splitlines()) == len(lines) + 1
    (tmp_path / "before.jsonl").replace(out)
    assert "table1         4 of   4 runs" in call("--list")
    done = ours.rows.Found(ours.results.read_results(out))
    shown = ours.report.table("table1", done)
    assert "| GTA | 50.6 | " in shown
    assert " ± " in shown
    assert "| GTA and none | 56.5 | " in shown
    monkeypatch.setitem(ours.main.EXPERIMENTS, "table2b", ours.main.EXPERIMENTS["table1"])
    assert ours.report.beyond(done).count("\n") == 3


TOY = """
import os, time

def setup(device):
    return run

def run(job, say):
    say("step 1: loss 2.0")
    if job.seed == 1:
        raise ValueError("no luck")
    if job.seed == 2:
        os._exit(7)
    time.sleep(100 if job.seed == 3 else 0.5)
    return {"top1": 0.25}
"""


@pytest.fixture
def toy(ours, small, tmp_path: Path, monkeypatch):
    """Runs jobs that train nothing; what has failed, the seeds done, the log and what was said."""
    (tmp_path / "toy_runner.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    setup = importlib.import_module("toy_runner").setup

    def call(seeds: list[int], longer: tuple[int, ...] = (), **limits):
        jobs = [replace(small, seed=seed) for seed in seeds]
        for index in longer:
            jobs[index] = replace(jobs[index], settings=replace(small.settings, steps=10_000))
        done, log, said = [], [], []
        devices = limits.pop("devices", ("cpu",))
        failed = ours.workers.run_jobs(
            jobs,
            ours.workers.Limits(devices=devices, **limits),
            done.append,
            dict.fromkeys(devices, setup),
            lambda run, words: log.append((run, words)),
            say=said.append,
        )
        return failed, sorted(one["run"]["seed"] for one in done), log, said

    return call


@pytest.mark.slow
def test_what_fails_does_not_stop_the_others(ours, small, toy):
    failed, done, log, said = toy([0, 1, 2, 4, 5], devices=("cpu", "cpu:0"), jobs=2)
    assert (failed, done) == (2, [0, 4, 5])
    assert any("ValueError: no luck" in words for words in said)
    assert "a training process has died (exit code 7)" in said
    name = ours.logs.run_id(replace(small, seed=0).identity())
    words = [words for run, words in log if run == name]
    assert words[0] in ("begins on cpu", "begins on cpu:0")
    assert words[1] == "step 1: loss 2.0"
    assert words[-1].startswith("ends: top-1 0.25, ")
    assert [words for _, words in log].count("fails") == 2
    with pytest.raises(RuntimeError, match="all training processes have died"):
        toy([2, 2, 0], jobs=2)


@pytest.mark.slow
def test_a_limit_of_time(toy):
    began = time.monotonic()
    assert toy([0, 3], jobs=2, seconds=20)[:2] == (0, [0])  # what is not done then is stopped
    assert 20 <= time.monotonic() - began < 60
    # the second would take some thousand times as long as the first; the third is begun
    assert toy([0, 4, 5], longer=(1,), jobs=1, seconds=60)[:2] == (0, [0, 5])


def test_mistakes(ours, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["experiments", "table9"])
    with pytest.raises(SystemExit):
        ours.main.main()
    assert "'table9' is not an experiment; they are table1, table2b," in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert ours.main.device_names("cuda") == ("cuda:0", "cuda:1")
    assert ours.main.device_names("cuda:1,cpu") == ("cuda:1", "cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SystemExit, match="there is no GPU; `--device cpu` runs without one"):
        ours.main.device_names("cuda")
