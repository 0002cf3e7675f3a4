"""A training's curves, its figures in other programs, and where and with what it was run."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Timer

import pytest
import torch

import gta.figures.curves
from gta.errors import UsageError
from gta.training import environment, loggers
from gta.training.checkpoint import TrainState
from gta.training.pace import Pace, bottleneck
from gta.training.processes import Processes
from gta.training.waiting import Waiting
from gta.training.watching import Watch

from .small_training import make_training, recipe

HISTORY = [
    {"epoch": 1, "lr": 0.1, "train_loss": 2.0, "train_top1": 0.2, "val_top1": 0.3, "val_top5": 1.0},
    {"epoch": 2, "lr": 0.1, "train_loss": 1.0, "train_top1": 0.4, "val_top1": 0.5, "val_top5": 1.0},
]


def test_a_training_draws_its_curves_and_logs_what_metrics_has(
    ordered: Path, small_settings, tmp_path: Path
):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = recipe(ordered, small_settings, "train.loggers=[tensorboard]")
    said: list[str] = []
    training, _, _ = make_training(found, tmp_path)
    training.watch = Watch(tmp_path, found, said.append)
    training.run()
    assert said == []
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert training.watch.drawn == 2
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    logged = [event.value for event in events.Scalars("val/loss")]
    history = training.position.history
    assert logged == pytest.approx([entry["val_loss"] for entry in history])
    names = {loggers._grouped(name) for name in history[0]} - {"epoch"}
    assert set(events.Tags()["scalars"]) == names
    assert events.Tags()["images"] == ["confusion"]
    assert 0.3 < history[-1]["val_loss"] < 5


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_wandb_without_an_account_says_so_at_the_start(tmp_path: Path, mode: str):
    """It asked when the first epoch was over, in the midst of the bars, and training waited."""
    pytest.importorskip("wandb")
    code = (
        "from pathlib import Path; from gta.errors import UsageError\n"
        "from gta.recipes import find_recipe, read_recipe; from gta.training import loggers\n"
        "found = read_recipe(find_recipe('ordered', 'tiny_gta'), ['train.loggers=[wandb]'])\n"
        "try: print(len(loggers.open_loggers(Path('run'), found)))\n"
        "except UsageError as error: print(error)\n"
    )
    own = {"WANDB_MODE": mode, "HOME": str(tmp_path), "NETRC": str(tmp_path / "netrc")}
    env = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env | own | {"WANDB_SILENT": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    expected = (
        "1"
        if mode == "offline"
        else (
            "train.loggers has wandb, which has no account here: type `wandb login`, or set "
            "WANDB_MODE=offline, and `wandb sync` sends the run later"
        )
    )
    assert done.stdout.strip() == expected, done.stderr


def test_wandb_offline_keeps_one_run_over_interruptions(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    found = recipe(ordered, small_settings, "train.loggers=[wandb]")
    said: list[str] = []
    for entry in HISTORY:
        watch = Watch(tmp_path, found, said.append)
        watch.broken = True  # no picture
        watch.epoch([entry])
        watch.close([entry], finished=False)
    assert said == []
    ids = {path.name.split("-")[3] for path in (tmp_path / "wandb").glob("offline-run-*")}
    assert ids == {(tmp_path / "wandb" / "run-id.txt").read_text()}
    assert list((tmp_path / "wandb").rglob("run-*.wandb"))


def test_what_cannot_be_drawn_or_logged_is_a_line_and_training_goes_on(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(*arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr(gta.figures.curves, "draw_curves", broken)
    monkeypatch.setattr(loggers.TensorBoard, "figures", broken)
    found = recipe(ordered, small_settings, "train.loggers=[tensorboard]")
    said: list[str] = []
    training, _, _ = make_training(found, tmp_path)
    training.watch = Watch(tmp_path, found, said.append)
    training.run()
    assert training.position.epoch == 2
    why = "training continues without it: OSError: no space left on device"
    assert sorted(said) == [f"curves.png cannot be drawn, {why}", f"tensorboard fails, {why}"]
    assert not (tmp_path / "curves.png").exists()


def test_a_drawing_that_fails_while_training_ends_hides_no_other_error(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Such as on a full disk, of which the line about the weights tells more."""
    began, goes_on, said = Event(), Event(), list[str]()

    def failing(path: Path, *_: object) -> None:
        began.set()
        goes_on.wait(60)
        raise OSError(27, "File too large", str(path))

    monkeypatch.setattr(gta.figures.curves, "draw_curves", failing)
    watch = Watch(tmp_path, recipe(ordered, small_settings), said.append)
    watch.due = 0.0
    watch.epoch(HISTORY[:1])
    assert began.wait(60)
    Timer(0.2, goes_on.set).start()
    watch.close(HISTORY, finished=False)
    assert [line.startswith("curves.png cannot be drawn") for line in said] == [True]


def test_drawing_takes_a_small_share_of_the_time(ordered: Path, small_settings, tmp_path: Path):
    watch = Watch(tmp_path, recipe(ordered, small_settings), print)
    watch.epoch(HISTORY[:1])
    assert watch.drawn == 0  # a training of seconds is drawn at its end alone
    watch.due = 0.0
    watch.epoch(HISTORY[:1])
    watch.background.wait()
    watch.epoch(HISTORY)  # at once: 50 times as long as drawing took has not passed
    assert watch.drawn == 1
    watch.close(HISTORY, finished=True)
    assert watch.drawn == 2


@pytest.mark.parametrize(("seconds", "drawn"), [(1.0, 0), (30.0, 1)])
def test_the_first_picture_waits_for_epochs_not_for_what_was_before(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch, seconds: float, drawn: int
):
    """Such as the features of a frozen trunk: drawing beside short epochs slows them."""
    watch = Watch(tmp_path, recipe(ordered, small_settings), print)
    now = time.monotonic() + 100
    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch.epoch([HISTORY[0] | {"seconds": seconds}])
    assert watch.drawn == drawn
    watch.close(HISTORY[:1], finished=True)


def test_a_logger_that_is_not_installed_is_named_before_training(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loggers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as error:
        Watch(tmp_path, recipe(ordered, small_settings, "train.loggers=[wandb]"), print)
    assert str(error.value) == (
        "train.loggers has wandb, which is not installed: "
        'pip install "gta-video[logs]", or leave it out with --set train.loggers=[]'
    )


def test_the_note_beside_an_epochs_bar():
    device = torch.device("cpu")
    pace = Pace(Processes(device), Waiting(device), clips=2.0)
    pace.began -= 4
    note = pace.note(torch.tensor([6.0, 5.0, 10.0, 0.0]), 0.0125)
    assert note == (
        "loss 0.600  train 50.0%  lr 0.013  2 clips/s  bottleneck: network (0% waiting)"
    )
    assert bottleneck(0.5) == "bottleneck: videos (50% waiting)"


def test_each_resumption_is_in_the_environment_file(tmp_path: Path, monkeypatch):
    file, here = tmp_path / "environment.json", Processes(torch.device("cpu"))
    environment.write_environment(file, here, TrainState("data"))
    begun = json.loads(file.read_text())
    assert begun["torch"] == torch.__version__
    assert "resumptions" not in begun
    monkeypatch.setattr(environment.gta, "__version__", "9.9")
    for epoch, batch in ((0, 3), (2, 0)):
        environment.write_environment(file, here, TrainState("data", epoch, batch))
    later = json.loads(file.read_text())
    resumptions = later.pop("resumptions")
    assert later == begun
    assert [(one["epoch"], one["batch"]) for one in resumptions] == [(0, 3), (2, 0)]
    assert [one["gta"] for one in resumptions] == ["9.9", "9.9"]
    assert "torch" not in resumptions[0]  # the same as at the beginning
    file.write_text("{")  # damaged: a new one
    environment.write_environment(file, here, TrainState("data", 1))
    assert json.loads(file.read_text())["gta"] == "9.9"


def test_the_git_state_is_of_the_checkout_that_a_file_is_tracked_in(tmp_path: Path):
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    assert environment.git_state(tmp_path) is None  # no commit yet
    (tmp_path / "code.py").write_text("1")
    git("add", "code.py")
    git("commit", "-m", "a")
    state = environment.git_state(tmp_path)
    assert state is not None
    assert len(str(state["commit"])) == 40
    assert state["changed"] == 0
    (tmp_path / "code.py").write_text("2")
    (tmp_path / "installed.py").write_text("not of it")
    assert environment.git_state(tmp_path / "code.py") == {**state, "changed": 1}
    assert environment.git_state(tmp_path / "installed.py") is None
