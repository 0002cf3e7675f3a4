"""The pages show what the result files hold; the benchmarks run."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gta.data.decode import count_frames, read_frames
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step

ROOT = Path(__file__).parent.parent


def test_the_tables_are_those_of_the_result_files(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    tables = importlib.import_module("benchmarks.tables")
    shown = set()
    for page in tables.TABLES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert tables.filled(page) == text
        assert text.count("<!-- /") == len(tables.TABLES[page])
        shown |= {file for file, _ in tables.TABLES[page].values()}
    assert shown == {path.name for path in (ROOT / tables.RESULTS).glob("*.json")}


def test_one_command_runs_them_all():
    listed = run("benchmarks", "--list")
    assert "benchmarks.speed --models r2d50 r2d50_gta" in listed
    assert ":tsm" not in listed
    assert "r2d50_nl:tsm" in run("benchmarks", "speed", "--list", "--peers", "peers")
    wrong = subprocess.run(
        [sys.executable, "-m", "benchmarks", "sped"], cwd=ROOT, capture_output=True, text=True
    )
    assert wrong.returncode == 2
    names = "speed, inference, captured, slowfast"
    assert f"'sped' is not a benchmark; they are {names}" in wrong.stderr
    assert "own_videos.json --videos" in run(
        "benchmarks", "own_videos", "--list", "--videos", "a b"
    )


def test_own_videos_reads_what_a_training_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    own_videos = importlib.import_module("benchmarks.own_videos")
    monkeypatch.setattr(own_videos, "watched", lambda words: {"seconds": 61.2, "mib": 900})
    (tmp_path / "metrics.csv").write_text("epoch,seconds,val_top1\n1,2.5,0.5\n2,2.0,0.75\n")
    (tmp_path / "log.txt").write_text(
        "frozen trunk up to blocks.6: features of 30 training videos in 4 views each and of 10 "
        "validation videos, 16.0 s, kept in features\n"
    )
    found = own_videos.measure(["--model", "lite0_gta"], tmp_path)
    assert found["caching"] == 0.4
    test = {"seconds": 9.0, "mib": 700}
    assert own_videos.table({"results": {"frozen": found, "test": test}}).splitlines()[2:] == [
        "| frozen | 61 | 0.40 | 4 | 900 | 75.0% |",
        "| test | 9 |  |  | 700 |  |",
    ]


def test_made_videos_are_functions_of_their_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    clips = importlib.import_module("benchmarks.clips")
    first, again = (clips.write_clips(tmp_path / name, "tiny", 2) for name in "ab")
    assert [count_frames(path) for path in first] == [count_frames(path) for path in again]
    assert all(map(torch.equal, map(read_frames, first), map(read_frames, again)))
    assert not torch.equal(read_frames(first[0], [0]), read_frames(first[1], [0]))


def run(*arguments: str | Path) -> str:
    """What a benchmark prints."""
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_rendering_benchmark_runs(tmp_path: Path):
    out = tmp_path / "rendering.json"
    printed = run("benchmarks.rendering", "--clips", "10", "--out", out)
    rows = json.loads(out.read_text())["results"]
    assert [(row["side"], row["difficulty"]) for row in rows] == [
        *((64, "easy"), (64, "hard"), (128, "easy"), (128, "hard"))
    ]
    assert all(0 < row["least"] <= row["clips_per_s"] <= row["most"] for row in rows)
    assert "| 16 x 128 x 128 | hard | " in printed


@pytest.mark.slow
def test_the_loader_benchmark_runs(tmp_path: Path):
    out = tmp_path / "loader.json"
    printed = run("benchmarks.loader", "--clips", "3", "--turns", "1", "--out", out)
    results = json.loads(out.read_text())["results"]
    assert set(results) == {"ssv2", "k400"}
    for found in results.values():
        assert all(rate > 0 for rate in found["one_core"].values())
        assert set(found["workers"]) == {"1", "2"}
    assert "| decode, transform |" in printed


@pytest.mark.slow
def test_the_memory_of_loader_processes_is_flat(tmp_path: Path):
    out = tmp_path / "memory.json"
    printed = run("benchmarks.loader_memory", "--clips", "6000", "--out", out)
    *_, half, whole = json.loads(out.read_text())["results"]
    assert (half["clips"], whole["clips"]) == (3000, 6000)
    assert whole["parent_mib"] - half["parent_mib"] < 20
    for before, after in zip(half["workers_mib"], whole["workers_mib"], strict=True):
        assert after - before < 150  # the C library keeps blocks and gives them back as it likes
        assert after < 400
    assert "| 6000 |" in printed


@pytest.mark.slow  # trains for some minutes
def test_changes_of_a_long_video_are_found_and_its_memory_is_flat(tmp_path: Path):
    out = tmp_path / "long.json"
    printed = run("benchmarks.long_video", "--hours", "0.5", "--changes", "40", "--out", out)
    found = json.loads(out.read_text())
    assert found["changes"]["near"] >= 0.95 * 40
    assert found["memory"]["hours"] == pytest.approx(0.5, abs=0.01)
    assert found["memory"]["growth_mib"] < 50
    assert "| planted changes found within 0.5 s | " in printed


@pytest.mark.slow
def test_the_startup_benchmark_runs(tmp_path: Path):
    out = tmp_path / "startup.json"
    printed = run("benchmarks.startup", "--model", "r2d50", "--times", "1", "--out", out)
    assert all(seconds > 0 for seconds in json.loads(out.read_text())["results"]["stages"].values())
    assert "| import torch |" in printed


@pytest.mark.slow
def test_the_speed_benchmark_runs_and_goes_on(tmp_path: Path):
    out = tmp_path / "speed.json"
    words = ("--ways", "inference", "--batch", "1", "--steps", "2", "--device", "cpu", "--out", out)
    tiny, gta = "ordered/tiny", "ordered/tiny_gta:plain"
    run("benchmarks.speed", "--models", tiny, *words)
    first = json.loads(out.read_text())
    printed = run("benchmarks.speed", "--models", tiny, gta, *words)
    results = json.loads(out.read_text())["results"]
    assert set(results) == {f"{tiny} | inference", f"{gta} | inference"}
    assert results[f"{tiny} | inference"] == first["results"][f"{tiny} | inference"]
    assert all(row["ms"] > 0 for row in results.values())
    assert "| ordered/tiny |" in printed


@pytest.mark.slow
def test_the_growth_benchmark_runs(tmp_path: Path):
    out, picture = tmp_path / "growth.json", tmp_path / "growth.png"
    words = ("--device", "cpu", "--steps", "1", "--axes", "regions", "--batch", "1", "--size", "64")
    printed = run("benchmarks.growth", *words, "--out", out, "--picture", picture)
    assert [row["value"] for row in json.loads(out.read_text())["rows"]] == [4, 8, 16, 32, 64]
    assert "| regions | 64 |" in printed
    assert picture.stat().st_size > 1000


@pytest.mark.slow
def test_the_feeding_benchmark_runs(tmp_path: Path):
    out = tmp_path / "feeding.json"
    small = ("--videos", "2", "--repeats", "1", "--epochs", "2", "--steps", "1", "--batch", "2")
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    small += ("--models", "ordered/tiny", "--device", "cpu", "--out", out)
    printed = run(*torchrun, "benchmarks.feeding", *small)
    (found,) = json.loads(out.read_text())["results"].values()
    assert min(found["trained"], found["synthetic"], found["loader"]) > 0
    assert "| ordered/tiny |" in printed


@pytest.mark.slow
def test_the_reading_benchmark_runs(tmp_path: Path):
    out = tmp_path / "reading.json"
    words = ("--videos", "2", "--rounds", "1", "--out", out)
    forms = ("video", "video, shards", "jpeg, 240x320")
    printed = run("benchmarks.reading", *words, "--forms", *forms)
    found = json.loads(out.read_text())
    assert {"webm", "video", "video, shards", "jpeg, 240x320"} <= set(found["results"])
    assert all(one["clips"] > 0 for one in found["results"].values())
    assert "| shards by offset, any order |" in printed


@pytest.mark.slow
def test_the_scaling_benchmark_runs(tmp_path: Path):
    out = tmp_path / "scaling.json"
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    small = ("--models", "ordered/tiny", "--batch", "1", "--steps", "1", "--device", "cpu")
    small += ("--ways", "eager")
    printed = run(*torchrun, "-m", "benchmarks.scaling", *small, "--out", out)
    found = json.loads(out.read_text())
    assert found["processes"] == 2
    row = found["results"]["ordered/tiny | eager"]
    assert row["gain"] == pytest.approx(2 * row["alone_ms"] / row["together_ms"])
    assert "| ordered/tiny | eager |" in printed


def test_scaling_needs_several_processes():
    alone = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", "--device", "cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert alone.returncode == 2
    assert "use torchrun --nproc-per-node 2" in alone.stderr


@pytest.mark.slow
def test_the_cpu_benchmark_compares_checkouts_and_replaces_rows(tmp_path: Path):
    out = tmp_path / "cpu.json"
    kept = {"case": "step tiny", "threads": 1, "now": {"min_ms": 1.0, "median_ms": 1.0}}
    again = {"case": "block SA res3 rows inference", "threads": 1, "now": kept["now"]}
    out.write_text(json.dumps({"results": [kept, again]}), encoding="utf-8")
    told = ["--earlier", ROOT, "--threads", "1", "--times", "2", "--out", out]
    printed = run("benchmarks.cpu", "block SA res3 rows inference", *told)
    found = json.loads(out.read_text(encoding="utf-8"))
    measured, other = found["results"]
    assert other == kept
    assert measured["case"] == "block SA res3 rows inference"
    assert measured["now"]["min_ms"] > 1
    assert measured["earlier"]["median_ms"] >= measured["earlier"]["min_ms"]
    assert "| step tiny | 1 |  | 1 |" in printed
    assert {"date", "torch", "machine", "times"} <= found.keys()


def test_a_measured_step_of_training_is_that_of_gta_train(small_settings, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    ways = importlib.import_module("benchmarks.ways")
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), small_settings)
    batch, states = ways.random_batch(recipe, 4, 5, torch.device("cpu")), []
    for way in ("measured", "trained"):
        torch.manual_seed(1)
        model = build_network(recipe, 5).train()
        if way == "measured":
            ways.step_of("eager", model, recipe, batch)()
        else:
            optimizer = make_optimizer(model, recipe.train)
            step = make_step(model, optimizer, recipe, 5, Processes(torch.device("cpu")))
            step(batch, 0, 1, 1_000_000)
        states.append(model.state_dict())
    assert all(states[0][name].equal(value) for name, value in states[1].items())
