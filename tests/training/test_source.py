"""The loop over any source of batches, and the one of videos."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from gta.config import Train
from gta.data.batch import Batch
from gta.progress import Silent
from gta.training.batches import video_batches
from gta.training.checkpoint import TrainState
from gta.training.loop import Loop
from gta.training.processes import Processes
from gta.training.splits import load_splits

from .plain_step import batches, make, states
from .small_training import recipe

CPU = Processes(torch.device("cpu"))


class Listed:
    """Batches in memory, as many in each epoch."""

    def __init__(self, found: list[Batch], num_batches: int):
        self.found, self.num_batches = found, num_batches

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        return iter(self.found[number * self.num_batches :][start : self.num_batches])

    def close(self) -> None:
        pass


class Enough(Exception):
    pass


def test_a_loop_goes_on_where_its_position_is():
    source = Listed(batches(6, 5, 4), 3)
    ends, entries = [], []
    for taken in ((), (1,), (2, 5)):  # steps after which it is interrupted
        step, position, steps, kept = make(Train(), epochs=2), TrainState(""), 0, []

        def stop_after(interrupted=taken):
            nonlocal steps
            steps += 1
            if steps in interrupted:
                raise Enough

        loop = Loop(step, source, position, CPU, epochs=2, taken=stop_after)
        for _ in taken:
            with pytest.raises(Enough):
                loop.run(keep=kept.append)
            loop.count()
        loop.run(score=lambda waiting: {"score": 0.5}, keep=kept.append)
        assert (steps, position.epoch, position.batch) == (6, 2, 0)
        assert position.history == kept
        ends.append(states(step))
        entries.append([{k: v for k, v in one.items() if k in TOLD} for one in kept])
    for other, told in zip(ends[1:], entries[1:], strict=True):
        assert all(torch.equal(other[name], value) for name, value in ends[0].items())
        assert told == entries[0]
    assert kept[-1]["score"] == 0.5


TOLD = ("epoch", "lr", "train_loss", "train_top1", "train_left_out")


def test_what_could_not_be_read_is_noted_before_the_step():
    (batch,) = batches(1, 4)
    order = []
    step = make(Train())
    step.model.register_forward_pre_hook(lambda *_: order.append("step"))
    source = Listed([batch._replace(failures=[("a.webm", "is empty")])], 1)
    Loop(
        *(step, source, TrainState(""), CPU),
        epochs=1,
        note=order.extend,
        taken=lambda: order.append("taken"),
    ).run()
    assert order == [("a.webm", "is empty"), "step", "taken"]


class Late:
    """Several processes hear of a wish one step after it was said."""

    def __init__(self, processes, wishes):
        self.said = self.nothing = (0,) * wishes

    def __call__(self, *wanted: int):
        heard, self.said = self.said, wanted
        return heard

    def last(self):
        return self(*self.nothing)


def test_a_checkpoint_that_is_heard_of_late_is_written_once(monkeypatch):
    monkeypatch.setattr("gta.training.loop.Agreement", Late)
    due, saved = [True], []
    loop: Loop

    def save() -> None:
        due[0] = False
        saved.append(loop.position.batch)

    source = Listed(batches(5, 5), 5)
    loop = Loop(
        *(make(Train()), source, TrainState(""), CPU),
        epochs=1,
        is_due=lambda: due[0],
        save=save,
    )
    loop.run()
    assert saved == [2]


@pytest.mark.slow  # a process is started
def test_a_source_of_videos_ends_its_processes(ordered: Path, small_settings):
    found = recipe(ordered, small_settings, "data.cache_gb=0")
    source = video_batches(load_splits(found, Silent()), found, CPU, workers=1)
    assert (source.num_batches, source.batch_size) == (5, 8)
    first = [batch.indices.tolist() for batch in source.epoch(0)]
    assert [batch.indices.tolist() for batch in source.epoch(0, 3)] == first[3:]
    (worker,) = source.loader._iterator._workers
    assert worker.is_alive()
    source.close()
    worker.join(10)
    assert not worker.is_alive()
