from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from gta.training import keeping as keeping_module
from gta.training.checkpoint import TrainState
from gta.training.keeping import Keeping
from gta.training.processes import Processes
from gta.training.stopping import Stop


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    model = nn.Linear(2, 2)
    made = Keeping(
        *(tmp_path, model, torch.optim.SGD(model.parameters(), 0.1), None),
        *(TrainState("videos"), Processes(torch.device("cpu"))),
        minutes=1,
        keep=2,
        save_weights=lambda tensors, names, epoch: None,
        stop=Stop(),
    )
    yield made
    made.close()


@pytest.mark.parametrize(
    ("written_in", "due_after"),
    [(0.0, 60.0), (4.0, 56.0), (50.0, 30.0)],  # the last: a disk that cannot keep up
)
def test_a_machine_that_dies_costs_no_more_than_was_asked(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, written_in: float, due_after: float
):
    now = [1000.0]
    monkeypatch.setattr(keeping_module.time, "monotonic", lambda: now[0])
    keeping.save()
    keeping.finish()
    keeping.background.seconds = written_in
    now[0] += due_after - 0.1
    assert not keeping.is_due()
    now[0] += 0.2
    assert keeping.is_due()


def test_the_time_that_a_checkpoint_takes_is_known(keeping: Keeping):
    assert keeping.background.seconds == 0
    keeping.save()
    keeping.finish()
    assert keeping.background.seconds > 0
