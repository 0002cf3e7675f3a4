"""The exam's line 3: another number of processes."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.reliability.training_processes")


def test_any_number_of_processes_has_the_same_samples_in_the_same_order(topic):
    assert topic.same_order()


@pytest.mark.slow
def test_a_step_of_two_processes_is_that_of_one(topic):
    difference = topic.difference(2)
    assert 0 <= difference <= 1e-10
