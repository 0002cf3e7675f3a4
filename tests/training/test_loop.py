import csv
import errno
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn

from gta.errors import DataError, MachineError, UsageError
from gta.progress import Silent
from gta.training import loop
from gta.training.background import Background
from gta.training.saved_state import newest_state

from .small_training import make_training, recipe


class Interrupt(Exception):
    pass


class Interrupting(Silent):
    """Stops training after so many batches in all, as a kill would."""

    def __init__(self, batches: int):
        self.left = batches

    @contextmanager
    def track(self, what: str, total: int) -> Iterator:
        def advance(done: int, note: str) -> None:
            if what.startswith("epoch"):
                self.left -= 1
                if self.left < 0:
                    raise Interrupt

        yield advance


def same(a: nn.Module, b: nn.Module) -> bool:
    """Whether all parameters and running statistics are equal to the last bit."""
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.fixture
def every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress, and thus an interruption, after every batch; and a checkpoint, if one is due."""
    monkeypatch.setattr(loop, "_SHOW_EVERY", -1)
    monkeypatch.setattr(Background, "is_busy", False)


def without_times(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in e.items() if k not in ("seconds", "waited")} for e in history]


@pytest.mark.usefixtures("every_batch")
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_interrupted_training_ends_with_the_same_weights(
    ordered: Path, small_settings, tmp_path: Path, workers: int
):
    never, always = "train.checkpoint_minutes=1000", "train.checkpoint_minutes=1e-9"
    whole, model, _ = make_training(recipe(ordered, small_settings, never), tmp_path / "whole")
    whole.run()
    assert len(whole.position.history) == 2

    found = recipe(ordered, small_settings, always, f"data.workers={workers}", "data.cache_gb=0")
    for batches in (3, 1, 4):  # of 5 in an epoch: in the middle of both epochs
        training, _, _ = make_training(found, tmp_path / "parts", Interrupting(batches))
        with pytest.raises(Interrupt):
            training.run()
    last, resumed, saved = make_training(found, tmp_path / "parts")
    assert (last.position.epoch, last.position.batch) == (1, 2)
    last.run()
    assert same(model, resumed)
    assert without_times(last.position.history) == without_times(whole.position.history)
    assert ("last", 2) in saved


def test_a_finished_training_is_left_as_it_is(ordered: Path, small_settings, tmp_path: Path):
    found = recipe(ordered, small_settings)
    first, model, _ = make_training(found, tmp_path / "run")
    first.run()
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("run/checkpoints/*/*")}
    assert len(written) == 2 * 4
    (tmp_path / "run/metrics.csv").unlink()  # as if interrupted before it was written
    again, other, saved = make_training(found, tmp_path / "run")
    again.run()
    assert same(model, other)
    assert not saved
    assert written == {
        path: path.stat().st_mtime_ns for path in tmp_path.glob("run/checkpoints/*/*")
    }
    assert len((tmp_path / "run/metrics.csv").read_text().splitlines()) == 3


@pytest.mark.usefixtures("every_batch")
def test_metrics_have_one_line_for_each_epoch_after_an_interruption(
    ordered: Path, small_settings, tmp_path: Path
):
    found = recipe(ordered, small_settings)
    training, _, _ = make_training(found, tmp_path / "run", Interrupting(8))
    with pytest.raises(Interrupt):
        training.run()
    make_training(found, tmp_path / "run")[0].run()
    with (tmp_path / "run/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(0 <= float(row["val_top1"]) <= 1 for row in rows)


def test_other_seeds_give_other_weights(ordered: Path, small_settings, tmp_path: Path):
    models = []
    for seed in (0, 0, 1):
        found = recipe(
            ordered, small_settings, "train.epochs=1", "train.warmup_epochs=0", f"train.seed={seed}"
        )
        training, model, _ = make_training(found, tmp_path / f"run{len(models)}")
        training.run()
        models.append(model)
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_small_set_is_learned(ordered: Path, small_settings, tmp_path: Path, optimizer: str):
    found = recipe(
        ordered,
        small_settings,
        "train.epochs=12",
        f"train.optimizer={optimizer}",
        f"train.lr={0.05 if optimizer == 'sgd' else 0.003}",
        *("model.dropout=0", "augment.mixup=0", "augment.cutmix=0", "augment.erase=0"),
    )
    training, _, _ = make_training(found, tmp_path / "run")
    history = training.run().history
    assert history[-1]["train_loss"] < 0.6 * history[0]["train_loss"]


class Counting(Silent):
    """Keeps the number of batches of an epoch."""

    @contextmanager
    def track(self, what: str, total: int) -> Iterator:
        if what.startswith("epoch"):
            self.steps = total
        yield lambda done, note: None


class Saying(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_scaled_learning_rate_is_logged(ordered: Path, small_settings, tmp_path: Path):
    report = Saying()
    scaled = ("train.lr=0.01", "train.lr_batch=32", "train.batch_size=8")
    training, _, _ = make_training(
        recipe(ordered, small_settings, *scaled), tmp_path / "run", report
    )
    training.run()
    assert report.said[0] == (
        "learning rate 0.0025: 0.01 is for batches of 32 (train.lr_batch), these are of 8"
    )


def test_repeated_augmentation_trains_on_each_video_so_often(
    ordered: Path, small_settings, tmp_path: Path
):
    steps = {}
    for repeats in (1, 3):
        found = recipe(ordered, small_settings, f"augment.repeats={repeats}")
        training, _, _ = make_training(found, tmp_path / f"{repeats}", counting := Counting())
        training.run()
        steps[repeats] = counting.steps
    assert steps == {1: 5, 3: 15}


def test_diverged_training_says_so(ordered: Path, small_settings, tmp_path: Path):
    found = recipe(ordered, small_settings, "train.lr=1e30", "train.clip_norm=null")
    training, _, _ = make_training(found, tmp_path / "run")
    with pytest.raises(
        UsageError,
        match=r"^the last \d steps of epoch 1/2 had .*training has diverged. Lower train.lr",
    ):
        training.run()


def test_unreadable_videos_are_counted_and_replaced(ordered: Path, small_settings, tmp_path: Path):
    root = tmp_path / "data"
    copy_with_damage(ordered, root, damaged=3)
    said: list[str] = []

    class Listening(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    found = recipe(root, small_settings)
    training, _, _ = make_training(found, tmp_path / "run", Listening())
    position = training.run()
    assert len(position.failures) == 3
    assert all("is empty (0 bytes)" in reason for reason in position.failures.values())
    assert position.history[-1]["train_unreadable"] == 3
    assert sum("skipped, replaced" in line for line in said) == 3  # once each, not each epoch


def test_too_many_unreadable_videos_stop_training(ordered: Path, small_settings, tmp_path: Path):
    root = tmp_path / "data"
    copy_with_damage(ordered, root, damaged=6)
    training, _, _ = make_training(recipe(root, small_settings), tmp_path / "run")
    with pytest.raises(
        DataError,
        match=r"5 of 40 training videos cannot be read, more than the limit of 10%; the first is "
        r".*webm: is empty \(0 bytes\)\. Mend or remove them, or .*--set data.max_unreadable",
    ):
        training.run()


def copy_with_damage(source: Path, root: Path, damaged: int) -> None:
    """The data set with links for videos, of which the first training ones are empty files."""
    folder = "20bn-something-something-v2"
    (root / folder).mkdir(parents=True)
    (root / "labels").symlink_to(source / "labels")
    for video in (source / folder).iterdir():
        place = root / folder / video.name
        if int(video.stem) <= damaged:
            place.touch()
        else:
            place.symlink_to(video)


def test_label_smoothing_raises_the_loss_of_a_sure_model(
    ordered: Path, small_settings, tmp_path: Path
):
    losses = []
    for smoothing in (0, 0.4):
        found = recipe(
            ordered,
            small_settings,
            "train.lr=1e-9",
            "train.epochs=2",
            f"train.label_smoothing={smoothing}",
        )
        training, model, _ = make_training(found, tmp_path / f"run{smoothing}")
        with torch.no_grad():
            model.get_parameter("fc.bias").copy_(torch.tensor([9.0, 0, 0, 0]))
        losses.append(training.run().history[0]["train_loss"])
    # 1/4 of the clips are right at no loss, the others wrong at about 9
    assert losses[0] == pytest.approx(0.75 * 9, rel=0.05)
    assert losses[1] == pytest.approx(0.6 * losses[0] + 0.4 * 0.75 * 9, rel=0.05)


def test_the_gradient_is_clipped(ordered: Path, small_settings, tmp_path: Path, monkeypatch):
    norms = []
    clip = nn.utils.clip_grad_norm_

    def spy(parameters, limit):
        parameters = list(parameters)
        norm = clip(parameters, limit)
        norms.append(torch.cat([p.grad.flatten() for p in parameters]).norm().item())
        return norm

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", spy)
    found = recipe(ordered, small_settings, "train.clip_norm=0.01")
    make_training(found, tmp_path / "run")[0].run()
    assert norms
    assert max(norms) <= 0.01 * 1.001


class Poisoned:
    """Makes the gradients of some steps infinite, by their number."""

    def __init__(self, model: nn.Module, steps: set[int]):
        self.steps, self.number = steps, -1
        model.register_forward_pre_hook(self.count)
        model.get_parameter("fc.weight").register_hook(self.spoil)

    def count(self, module: nn.Module, inputs: tuple) -> None:
        self.number += module.training

    def spoil(self, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * torch.inf if self.number in self.steps else gradient


def test_steps_that_change_nothing_are_counted_and_said(
    ordered: Path, small_settings, tmp_path: Path
):
    report = Saying()
    found = recipe(ordered, small_settings, "train.ema=0.5")
    training, model, _ = make_training(found, tmp_path / "run", report)
    Poisoned(model, {1, 3, 7})  # of two epochs of five steps
    training.run()
    assert [entry["train_left_out"] for entry in training.position.history] == [2, 1]
    assert [line for line in report.said if "changed nothing" in line] == [
        f"{count} of 5 steps of epoch {epoch}/2 changed nothing: their gradient was not finite. If "
        f"it stays so, lower train.lr, lengthen train.warmup_epochs or lower train.clip_norm"
        for epoch, count in ((1, 2), (2, 1))
    ]
    assert all(torch.isfinite(value).all() for value in training.scored.state_dict().values())
    with (tmp_path / "run/metrics.csv").open() as file:
        assert [row["train_left_out"] for row in csv.DictReader(file)] == ["2", "1"]


def test_an_epoch_without_a_finite_gradient_has_diverged(
    ordered: Path, small_settings, tmp_path: Path
):
    training, model, _ = make_training(recipe(ordered, small_settings), tmp_path / "run")
    Poisoned(model, set(range(5, 10)))
    with pytest.raises(
        UsageError, match=r"^no step of epoch 2/2 had a finite gradient: training has diverged. Low"
    ):
        training.run()
    assert len(training.position.history) == 1


@pytest.mark.usefixtures("every_batch")
def test_a_run_of_an_earlier_version_goes_on(ordered: Path, small_settings, tmp_path: Path):
    """Its one file stays until there is a checkpoint of today; it knows of no steps left out."""
    found = recipe(ordered, small_settings, "train.checkpoint_minutes=1e-9")
    whole, model, _ = make_training(found, tmp_path / "whole")
    whole.run()
    training, _, _ = make_training(found, tmp_path / "run", Interrupting(7))
    with pytest.raises(Interrupt):
        training.run()
    state = newest_state(tmp_path / "run", pytest.fail)
    assert state is not None
    assert state["position"]["batch"] > 0
    shutil.rmtree(tmp_path / "run/checkpoints")
    del state["position"]["totals"][3:]
    for entry in state["position"]["history"]:
        del entry["train_left_out"]
    path = tmp_path / "run/checkpoint.pt"
    torch.save({key: value for key, value in state.items() if value is not None}, path)
    resumed, other, _ = make_training(found, tmp_path / "run")
    assert path.is_file()
    resumed.run()
    assert not path.exists()
    assert same(model, other)
    assert resumed.position.history[1]["train_left_out"] == 0
    with (tmp_path / "run/metrics.csv").open() as file:
        assert [row["train_left_out"] for row in csv.DictReader(file)] == ["", "0"]


def test_so_many_steps_in_a_row_without_a_finite_gradient_end_the_training(
    ordered: Path, small_settings, tmp_path: Path
):
    settings = ("train.max_nonfinite=3", "train.checkpoint_minutes=1e-9")
    training, model, _ = make_training(recipe(ordered, small_settings, *settings), tmp_path / "run")
    Poisoned(model, {1, 2, 6, 7, 8})
    with pytest.raises(UsageError) as caught:
        training.run()
    assert str(caught.value) == (
        "3 steps in a row had no finite loss and gradient and changed nothing "
        "(train.max_nonfinite): training has diverged. Lower train.lr, lengthen "
        "train.warmup_epochs or lower train.clip_norm, and give another --out."
    )
    assert training.position.place == (1, 4)
    state = newest_state(tmp_path / "run", pytest.fail)
    assert state is not None
    assert state["position"]["epoch"] == 1
    assert state["position"]["batch"] <= 1  # nothing was saved after it began


def test_weights_that_are_not_finite_do_not_replace_a_checkpoint(
    ordered: Path, small_settings, tmp_path: Path
):
    training, model, saved = make_training(recipe(ordered, small_settings), tmp_path / "run")
    keep = training.keeping.save_epoch

    def poisoned(entry):
        if entry["epoch"] == 2:
            with torch.no_grad():
                model.get_parameter(next(iter(dict(model.named_parameters()))))[0] = torch.nan
        keep(entry)

    training.keeping.save_epoch = poisoned
    with pytest.raises(UsageError, match=r"diverged: 1 tensors hold NaN .*model: .*not saved") as e:
        training.run()
    assert f"what was saved before in {tmp_path / 'run'} stays. Lower train.lr" in str(e.value)
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["00001-000000"]
    assert not [epoch for _, epoch in saved if epoch == 2]


def test_a_full_disk_is_a_sentence_and_the_run_goes_on_afterwards(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch
):
    found = recipe(ordered, small_settings)
    whole, model, _ = make_training(found, tmp_path / "whole")
    whole.run()
    training, _, _ = make_training(found, tmp_path / "run")
    fsync, calls = os.fsync, itertools.count()

    def full(file: int) -> None:
        if next(calls) > 6:  # the first checkpoint and metrics.csv are written
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(MachineError) as caught:
            training.run()
    assert str(caught.value) == (
        f"metrics.csv in {tmp_path / 'run'} could not be written: the disk is full. What was saved "
        "before stays: make room on it, and the same command goes on from there"
    )
    assert caught.value.exit_code == 1
    assert not [path for path in (tmp_path / "run").rglob("*") if ".part" in path.name]
    again, other, _ = make_training(found, tmp_path / "run")
    assert again.position.epoch == 1
    again.run()
    assert same(model, other)


def test_a_loss_that_is_not_finite_is_left_out_though_its_gradient_is_finite(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch
):
    cross_entropy = torch.nn.functional.cross_entropy
    losses = itertools.count()

    def infinite(*arguments, **options):
        return cross_entropy(*arguments, **options) + (torch.inf if next(losses) == 2 else 0)

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", infinite)
    training, _, _ = make_training(recipe(ordered, small_settings), tmp_path / "run")
    history = training.run().history
    assert [entry["train_left_out"] for entry in history] == [1, 0]
    assert all(torch.isfinite(torch.tensor(entry["train_loss"])) for entry in history)
