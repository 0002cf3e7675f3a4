"""Which side waits."""

import time
from pathlib import Path

import pytest
import torch

from gta.training.report import Silent
from gta.training.waiting import Waiting, advice

from .small_training import make_training, recipe


class Slow:
    """Batches that take their time."""

    def __init__(self, count: int, seconds: float):
        self.count, self.seconds = count, seconds

    def __iter__(self):
        for number in range(self.count):
            time.sleep(self.seconds)
            yield number


def test_waiting_for_batches_is_counted_and_work_is_not():
    waiting, began = Waiting(torch.device("cpu")), time.monotonic()
    for _ in waiting.batches(Slow(4, 0.05)):
        time.sleep(0.05)
    took = time.monotonic() - began
    assert 4 * 0.05 <= waiting.seconds() <= took - 4 * 0.05
    assert Waiting(torch.device("cpu")).seconds() == 0


@pytest.mark.gpu
def test_a_gpu_that_still_computes_does_not_wait():
    device = torch.device("cuda")
    matrix = torch.randn(8192, 8192, device=device)
    for work, least, most in ((0, 0.15, 0.25), (10, 0.0, 0.1)):
        waiting = Waiting(device)
        for _ in waiting.batches(Slow(5, 0.05)):
            for _ in range(work):  # handed over at once, computed for much longer than 0.05 s
                torch.mm(matrix, matrix)
        assert least <= waiting.seconds() - 0.05 <= most  # the first is always waited for


def test_advice_where_it_matters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gta.training.waiting.available_cores", lambda: 6)
    assert advice(1, 10, 2) is None
    assert advice(0, 0, 0) is None
    assert advice(5, 10, 2) == (
        "reading videos is the bottleneck: the network waited for them 50% of the training time. "
        "What helps: more loader processes (--set data.workers=6; now 2), videos made small once "
        "(gta prepare), or frames in memory (--set data.cache_gb=...)"
    )
    assert "more cores (all 6 read videos)" in (advice(5, 10, 6) or "")


class Told(Silent):
    """A report that keeps what is said."""

    def __init__(self):
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_training_says_it_once(ordered: Path, tmp_path: Path, monkeypatch, small_settings):
    monkeypatch.setattr(Waiting, "seconds", lambda self: 1e6)  # as if reading had been very slow
    told = Told()
    training, _, _ = make_training(recipe(ordered, small_settings), tmp_path / "run", told)
    training.run()
    assert sum("bottleneck" in text for text in told.said) == 1
    assert sum("waiting for videos" in text for text in told.said) == 2
    assert "waited" in (tmp_path / "run/metrics.csv").read_text().splitlines()[0]
