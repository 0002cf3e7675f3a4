"""Signals that ask for the end: the step under way is finished and kept."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gta.progress import Silent
from gta.training import loop
from gta.training.stopping import Stop, Stopped

from .small_training import make_training, recipe
from .test_loop import same, without_times


class Signalling(Silent):
    """A signal comes after so many calls about the progress of something."""

    def __init__(self, stop: Stop, what: str, calls: int):
        self.stop, self.what, self.calls = stop, what, calls
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def track(self, what: str, total: int) -> Iterator:
        def advance(done: int, note: str) -> None:
            if what.startswith(self.what):
                self.calls -= 1
                if self.calls == 0:
                    self.stop._handle(signal.SIGTERM, None)

        yield advance


@pytest.mark.parametrize(
    ("what", "calls", "kept"),
    [
        ("epoch", 3, "0 epochs and 3 of 5 steps of the next"),
        ("epoch", 5, "0 epochs and 5 of 5 steps of the next"),
        ("testing", 1, "0 epochs and 5 of 5 steps of the next"),
        ("epoch", 8, "1 epoch and 2 of 5 steps of the next"),
    ],
    ids=["in a step", "in the last step", "while testing", "in the second epoch"],
)
def test_a_stopped_training_goes_on_to_the_same_weights(
    ordered: Path, small_settings, tmp_path: Path, monkeypatch, what: str, calls: int, kept: str
):
    monkeypatch.setattr(loop, "_SHOW_EVERY", -1)  # a call after each step
    found = recipe(ordered, small_settings, "train.ema=0.5", "train.precise_bn=2")
    whole, model, _ = make_training(found, tmp_path / "whole")
    whole.run()
    stop = Stop()
    report = Signalling(stop, what, calls)
    training, _, _ = make_training(found, tmp_path / "run", report, stop)
    with pytest.raises(Stopped, match="SIGTERM") as caught:
        training.run()
    assert caught.value.number == signal.SIGTERM
    assert report.said[-1] == f"kept in {tmp_path / 'run/checkpoints'}: {kept}"
    assert stop.kept == "the same command goes on"
    again, other, _ = make_training(found, tmp_path / "run")
    again.run()
    assert same(model, other)
    assert without_times(again.position.history) == without_times(whole.position.history)


def test_what_has_not_begun_is_not_kept(ordered: Path, small_settings, tmp_path: Path):
    stop = Stop()
    found = recipe(ordered, small_settings)
    training, _, _ = make_training(found, tmp_path / "run", stop=stop)

    def signalled(what, total):
        del what, total
        stop._handle(signal.SIGINT, None)

    training.report.track = signalled  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Stopped, match="SIGINT"):
        training.run()
    assert not list((tmp_path / "run").iterdir())
    assert stop.kept == ""


def test_a_signal_waits_for_what_is_held():
    stop = Stop()
    with stop.held():
        with stop.held():
            stop._handle(signal.SIGINT, None)
        assert stop.asked == signal.SIGINT
    with pytest.raises(Stopped):
        stop.obey()
    with pytest.raises(KeyboardInterrupt):  # what knows of Ctrl-C alone handles it too
        Stop()._handle(signal.SIGTERM, None)


def test_a_diverged_state_is_not_kept(ordered: Path, small_settings, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(loop, "_SHOW_EVERY", -1)
    stop = Stop()
    found = recipe(ordered, small_settings, "train.lr=1e30", "train.clip_norm=null")
    training, _, _ = make_training(found, tmp_path / "run", Signalling(stop, "epoch", 4), stop)
    with pytest.raises(Stopped):
        training.run()
    assert training.position.totals[3] == 3
    assert not (tmp_path / "run/checkpoints").exists()
