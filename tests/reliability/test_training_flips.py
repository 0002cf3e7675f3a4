"""The exam's line 7, with fewer flips than `python -m benchmarks.reliability` makes."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("count", [10, pytest.param(1000, marks=pytest.mark.slow)])
def test_each_flipped_bit_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int):
    monkeypatch.syspath_prepend(str(ROOT))
    topic = importlib.import_module("benchmarks.reliability.training_flips")
    found, tried, fell_back = topic.flips(count, tmp_path / "run")
    assert found == count
    assert 0 < tried == fell_back
