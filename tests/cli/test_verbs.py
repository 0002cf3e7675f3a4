import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gta.evaluation.scores import Scores

from .conftest import Run
from .test_mistakes import ORDERED, small


def test_help_names_every_verb(run: Run):
    answer = run("--help")
    assert answer.code == 0
    for verb in (
        "quickstart",
        "check",
        "train",
        "test",
        "predict",
        "show",
        "figure",
        "export",
        "ensemble",
        "compare",
        "probe",
        "cost",
        "recipes",
        "convert",
        "prepare",
        "render",
    ):
        assert verb in answer.out
        assert run(verb, "--help").code == 0


def test_help_imports_nothing_heavy():
    code = "import sys, gta.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "torchvision", "numpy", "av", "pydantic", "yaml", "matplotlib", "PIL"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(("given", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_sleep(run: Run, monkeypatch: pytest.MonkeyPatch, given, kept):
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    assert run("--version").code == 0
    assert os.environ["OMP_WAIT_POLICY"] == kept


def test_version(run: Run):
    from gta import __version__

    assert run("--version").out.strip() == f"gta {__version__}"


@pytest.mark.parametrize(("layout", "suffix"), [("ssv2", ".webm"), ("ssv1", "")])
def test_render(run: Run, tmp_path: Path, layout: str, suffix: str):
    answer = run(
        *("render", tmp_path / "data", "--layout", layout, "--train", "4", "--val", "4"),
        *("--frames", "8", "--height", "32", "--width", "40", "--classes", "up, down"),
    )
    assert answer.code == 0, answer.err
    assert "4 training and 4 held-out clips of 2 classes (8 new" in answer.out
    assert "No model that is blind to the order of frames can beat 50.0%" in answer.out
    clips = tmp_path / f"data/20bn-something-something-{layout[-2:]}"
    assert sorted(path.name for path in clips.iterdir()) == [f"{i}{suffix}" for i in range(1, 9)]


def test_cost(run: Run, trained: Path):
    answer = run("cost", "--model", "r2d50_gta", "--data", "ssv2")
    assert "50.21 GFLOPs" in answer.out
    assert "31.32 M parameters" in answer.out
    told = json.loads(run("cost", trained, "--json").out)
    assert told["clip"] == [3, 4, 32, 32]
    assert told["classes"] == 4
    assert 0 < told["gflops"] < 0.1


def test_a_run_holds_everything(trained: Path):
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        *("recipe.yaml", "labels.json", "last.safetensors", "best.safetensors"),
        *("checkpoints", "metrics.csv", "log.txt", "environment.json"),
    }
    assert len(json.loads((trained / "labels.json").read_text())) == 4
    environment = json.loads((trained / "environment.json").read_text())
    assert {"gta", "torch", "python", "device"} <= environment.keys()
    assert "epoch 2/2" in (trained / "log.txt").read_text()
    with (trained / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_train_on_v1_folders_of_frames(run: Run, tmp_path: Path, small_settings):
    data = tmp_path / "data"
    made = run(
        *("render", data, "--layout", "ssv1", "--train", "8", "--val", "4", "--frames", "8"),
        *("--height", "32", "--width", "32", "--classes", "up,down"),
    )
    assert made.code == 0
    answer = run(
        *(*ORDERED, "--root", data, "--out", tmp_path / "run", *small(small_settings)),
        *("--set", "data.format=ssv1", "--set", "train.epochs=1", "--set", "train.warmup_epochs=0"),
    )
    assert answer.code == 0, answer.err
    assert "on 4 validation videos, 1x1-center32" in answer.out


def test_train_on_a_folder_per_class(run: Run, ordered: Path, tmp_path: Path):
    videos = sorted((ordered / "20bn-something-something-v2").iterdir())
    for index, video in enumerate(videos[:12]):
        place = tmp_path / "my_videos" / ("first", "second")[index % 2] / video.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(video)
    answer = run(
        *("train", "--model", "tiny_gta", "--data", "folder", "--root", tmp_path / "my_videos"),
        *("--out", tmp_path / "run", "--set", "train.epochs=1", "--set", "train.warmup_epochs=0"),
        *("--set", "train.batch_size=5", "--set", "clip.size=32", "--set", "clip.resize=40"),
        *("--set", "test.protocol=1x1-center32@40"),
    )
    assert answer.code == 0, answer.err
    assert "on 2 validation videos, 1x1-center32@40" in answer.out
    tested = run("test", tmp_path / "run", "--json")
    assert tested.code == 0, tested.err
    assert json.loads(tested.out)["videos"] == 2


def test_the_same_command_again_says_what_there_is(
    run: Run, trained: Path, ordered: Path, small_settings
):
    weights = (trained / "last.safetensors").stat().st_mtime_ns
    answer = run(*ORDERED, "--root", ordered, "--out", trained, *small(small_settings))
    assert answer.code == 0
    assert "top-1" in answer.out
    assert (trained / "last.safetensors").stat().st_mtime_ns == weights


def test_scores_of_a_test_are_those_of_training(run: Run, trained: Path, tmp_path: Path):
    answer = run("test", trained, "--scores", tmp_path / "s.npz")
    assert answer.code == 0, answer.err
    scores = Scores.load(tmp_path / "s.npz")
    with (trained / "metrics.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    assert float(last["val_top1"]) == pytest.approx(scores.top(1), abs=1e-6)
    assert f"{scores.top(1):.1%}" in answer.out
    assert "protocol 1x1-center32, 12 videos" in answer.out
    assert "last.safetensors, epoch 2 of 2" in answer.out
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)


def test_scores_as_json(run: Run, trained: Path, tmp_path: Path):
    answer = run("test", trained, "--json", "--scores", tmp_path / "s.npz")
    told = json.loads(answer.out)
    assert told["videos"] == 12
    assert told["unreadable"] == []
    assert told["protocol"] == "1x1-center32"
    assert told["top1"] == Scores.load(tmp_path / "s.npz").top(1)


def test_a_second_training_of_the_same_run_is_refused(
    run: Run, trained: Path, ordered: Path, small_settings
):
    fcntl = pytest.importorskip("fcntl")
    with (trained / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = run(*ORDERED, "--root", ordered, "--out", trained, *small(small_settings))
    assert answer.code == 2
    assert "is being trained by another process" in answer.err


@pytest.mark.slow  # torch looks every 5 seconds
def test_a_killed_loader_process_is_replaced(
    run: Run, ordered: Path, small_settings, tmp_path: Path
):
    others = set(multiprocessing.active_children())  # of tests before this one

    def kill_the_first() -> None:
        while not (workers := set(multiprocessing.active_children()) - others):
            time.sleep(0.01)
        os.kill(workers.pop().pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    answer = run(
        *(*ORDERED, "--root", ordered, "--out", tmp_path / "run", *small(small_settings)),
        *("--set", "data.workers=1", "--set", "data.cache_gb=0"),
    )
    killer.join()
    assert answer.code == 0, answer.err
