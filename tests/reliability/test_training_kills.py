"""The exam's line 1, with fewer kills than `python -m benchmarks.reliability` makes."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_killed_training_loses_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    topic = importlib.import_module("benchmarks.reliability.training_kills")
    done, broken, lost, same = topic.kills(3, tmp_path, epochs=12)
    assert (done, broken, same) == (3, 0, True)
    assert lost < 30
