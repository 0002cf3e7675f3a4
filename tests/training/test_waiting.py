"""Which side waits."""

import time
from pathlib import Path

import pytest
import torch

from gta.progress import Silent
from gta.training.splits import Splits, load_splits
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


def test_the_start_of_the_loader_tells_nothing():
    class Starting(Slow):
        def __iter__(self):
            for number in range(self.count):
                time.sleep(self.seconds if number < 2 else 0)
                yield number

    waiting = Waiting(torch.device("cpu"), start=2)
    for _ in waiting.batches(Starting(8, 0.1)):
        time.sleep(0.01)
    share = waiting.share()
    assert share is not None
    assert share < 0.5 < waiting.seconds() / 0.3
    few = Waiting(torch.device("cpu"), start=2)
    for _ in few.batches(Slow(6, 0)):
        pass
    assert few.share() is None


def test_advice_names_what_was_not_done_already(ordered: Path, small_settings):
    found = recipe(ordered, small_settings).data
    videos = load_splits(recipe(ordered, small_settings), Silent())
    half = recipe(ordered, small_settings, "data.cache_gb=0.0001").data
    some = load_splits(recipe(ordered, small_settings, "data.cache_gb=0.0001"), Silent())
    held = load_splits(recipe(ordered, small_settings, "data.cache_gb=1"), Silent())
    assert advice(0.1, videos, found, 2, 6) is None
    plain = found.model_copy(update={"cache_gb": 0.0})
    bare = Splits(videos.train, videos.val)
    assert advice(0.5, bare, plain, 2, 6) == (
        "reading videos is the bottleneck: the network waited 50% of the training time. What "
        "helps: more loader processes (--set data.workers=6; now 2), or smaller copies of the "
        "videos (gta prepare), or frames in memory (--set data.cache_gb=...)"
    )
    assert "loader processes" not in str(advice(0.5, bare, plain, 6, 6))
    assert some.train_cache is not None
    now = f"now 0.0001 for {some.train_cache.num_cached} of 40)"
    assert now in str(advice(0.5, some, half, 6, 6))
    assert advice(0.5, held, half, 6, 6) == (
        "making clips of the frames in memory is the bottleneck: the network waited 50% of the "
        "training time. All 6 cores are in use"
    )


class Told(Silent):
    """A report that keeps what is said."""

    def __init__(self):
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_training_says_it_once(ordered: Path, tmp_path: Path, monkeypatch, small_settings):
    monkeypatch.setattr(Waiting, "share", lambda self: 0.9)  # as if reading had been very slow
    told = Told()
    training, _, _ = make_training(recipe(ordered, small_settings), tmp_path / "run", told)
    training.run()
    assert sum("bottleneck" in text for text in told.said) == 1
    assert sum("waiting for videos" in text for text in told.said) == 2
    assert "waited" in (tmp_path / "run/metrics.csv").read_text().splitlines()[0]
