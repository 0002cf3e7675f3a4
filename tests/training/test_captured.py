"""When a function is recorded; that graphs compute what they should is tested on GPUs."""

import gc
import weakref
from contextlib import contextmanager, nullcontext
from unittest.mock import MagicMock

import pytest
import torch
from torch import Tensor

from gta.config import Augment, Train
from gta.cuda_graphs import captured, observed, replays
from gta.cuda_graphs.captured import CannotCaptureError
from gta.cuda_graphs.replays import Replays
from gta.training.mixing import Mixing
from gta.training.optimizer import set_learning_rate
from gta.training.step import _seed

from .plain_step import CLASSES, batches, make, states


class Recorded:
    """Stands for a CUDA graph and its result: what it runs is the function, and it counts that."""

    def __init__(self, function):
        self.function, self.value, self.replays = function, torch.zeros(()), 0

    def replay(self) -> None:
        self.replays += 1
        self.value = self.function()

    def clone(self) -> Tensor:
        return self.value.clone()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """Graphs that were recorded, on a device that is the CPU."""
    for name in ("Stream", "Event", "current_stream", "graph_pool_handle"):
        monkeypatch.setattr(torch.cuda, name, MagicMock())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())

    @contextmanager
    def never_waits():
        yield []

    monkeypatch.setattr(observed, "_waits_noted", never_waits)
    graphs: list[Recorded] = []

    def capture(function, stream, pool):
        graphs.append(Recorded(function))
        return graphs[-1], graphs[-1]

    monkeypatch.setattr(replays, "capture", capture)
    return graphs


def doubled(numbers: Tensor) -> Tensor:
    return 2 * numbers.sum()[None]


def run_of(function=doubled, **more) -> tuple[Replays, list[str]]:
    said: list[str] = []
    return Replays(function, torch.device("cpu"), said.append, **more), said


def test_three_calls_are_taken_as_they_are_and_the_others_replayed(made):
    run, said = run_of()
    results = [run(torch.full((2,), float(n))).item() for n in range(6)]
    assert results == [0, 4, 8, 12, 16, 20]
    assert [graph.replays for graph in made] == [3]
    assert said == ["from now on a step is one CUDA graph, replayed (train.cuda_graphs)"]


def test_a_result_is_not_overwritten_by_the_next(made):
    run, _ = run_of()
    results = [run(torch.full((2,), float(n))) for n in range(6)]
    assert [one.item() for one in results] == [0, 4, 8, 12, 16, 20]
    assert made[0].replays == 3


def test_each_shape_that_comes_again_has_a_graph_of_its_own(made):
    run, said = run_of()
    for epoch in range(5):
        for size in (4, 4, 4, 4, 3):
            assert run(torch.full((size,), float(epoch))).item() == 2 * size * epoch
    assert [graph.replays for graph in made] == [17, 2]
    assert len(said) == 1
    for size in range(5, 20):  # not one for each of many shapes
        for _ in range(6):
            assert run(torch.ones(size)).item() == 2 * size
    assert len(made) == 3


def test_memory_order_belongs_to_the_shape(made):
    run, _ = run_of()
    for _ in range(4):
        run(torch.ones(2, 3))
        run(torch.ones(3, 2).T)
    assert len(made) == 2


def test_what_cannot_be_recorded_says_why_and_goes_on(made, monkeypatch):
    def fails(*arguments):
        raise CannotCaptureError("it looks at a value in model.py, line 3")

    monkeypatch.setattr(replays, "capture", fails)
    run, said = run_of()
    assert [run(torch.full((2,), float(n))).item() for n in range(6)] == [0, 4, 8, 12, 16, 20]
    assert said == [
        "the step cannot be a CUDA graph (it looks at a value in model.py, line 3); it goes on "
        "without"
    ]


def test_what_draws_on_the_cpu_is_not_recorded(made):
    def noisy(numbers: Tensor) -> Tensor:
        return doubled(numbers) + 0 * torch.rand(1)

    run, said = run_of(noisy)
    assert [run(torch.full((2,), float(n))).item() for n in range(6)] == [0, 4, 8, 12, 16, 20]
    assert not made
    assert said == [
        "the step cannot be a CUDA graph (it draws random numbers on the CPU); it goes on without"
    ]


def test_all_processes_record_or_none_does(made):
    others = ["out of memory"]
    run, said = run_of(gather=lambda value: [value, *others], alone=False)
    for _ in range(5):
        assert run(torch.ones(2)).item() == 4
    assert not made
    assert said == ["the step cannot be a CUDA graph (out of memory); it goes on without"]


def test_processes_whose_batches_differ_record_once_together(made):
    asked = []

    def gather(value: object) -> list:
        asked.append(value)
        return [value]

    run, _ = run_of(gather=gather, alone=False)
    for size in (4, 4, 4, 3, 4, 4, 3, 3, 3, 3, 3, 4):
        assert run(torch.ones(size)).item() == 2 * size
    # observed together at the third call, ready at the fifth, recorded without an error
    assert asked == [None, False, True, None]
    assert [graph.replays for graph in made] == [3]


def test_another_function_is_recorded_anew(made):
    run, _ = run_of()
    for _ in range(5):
        run(torch.ones(2))
    run.forget()
    for _ in range(5):
        run(torch.ones(2))
    assert [graph.replays for graph in made] == [2, 2]


def test_a_recorded_step_keeps_what_it_refers_to(monkeypatch):
    """A graph reads clips and weights where they lay, so nothing else may take their place."""
    for name in ("Stream", "current_stream", "stream", "graph", "CUDAGraph"):
        monkeypatch.setattr(torch.cuda, name, MagicMock())
    clips, taken = torch.ones(1), []
    alive = weakref.ref(clips)

    def step(clips: torch.Tensor = clips) -> None:
        taken.append(clips.item())

    replay = captured.captured(step)
    del step, clips
    gc.collect()
    assert alive() is not None
    assert taken == [1, 1, 1, 1]
    replay()
    torch.cuda.CUDAGraph().replay.assert_called_once()
    del replay
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("mix", [0.0, 0.4])
def test_a_step_reads_what_was_copied_for_its_replay(made, mix):
    train = Train(ema=0.9, accumulate=2)
    mixing = Mixing(Augment(mixup=mix, cutmix=mix), CLASSES)
    eager, replayed = (make(train, mixing=mixing, fused=True, dropout=0.0) for _ in range(2))
    replayed.replays, said = run_of(replayed._whole)
    found = batches(20, 6, 6, 6, 5)
    for number, batch in enumerate(found):
        expected = eager(batch, 0, number, 20)
        set_learning_rate(replayed.optimizer, replayed.numbers.rate((number + 0.5) / 20))
        torch.manual_seed(_seed(0, number, 0))
        assert torch.equal(replayed._advance(replayed._prepared(batch)), expected)
    assert (len(made), len(said)) == (2, 1)
    ends = states(eager), states(replayed)
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
