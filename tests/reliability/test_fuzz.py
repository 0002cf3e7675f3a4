"""The fuzzer's targets take what they begin with, and what was kept of earlier times."""

import importlib.util
from pathlib import Path

import pytest
from benchmarks.reliability import fuzz
from benchmarks.reliability.fuzz_targets import TARGETS

LARGEST = 200_000
"""Bytes of all that is kept."""


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_was_kept_raises(tmp_path: Path, name: str):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "work").mkdir()
    given = list(fuzz.seeds(name, tmp_path / "seeds"))
    assert given
    run = TARGETS[name].made(tmp_path / "work")
    for data in [*given, b"", b"\0", b"{", bytes(range(256))]:
        run(data)


def test_what_is_kept_is_small_and_of_our_own_readers():
    kept = [path for path in fuzz.CORPUS.rglob("*") if path.is_file()]
    assert kept
    assert sum(path.stat().st_size for path in kept) < LARGEST
    assert {path.parent.name for path in kept} == {
        name for name, target in TARGETS.items() if not target.of_others
    }


def test_what_is_told_of_a_fault_is_where_it_is_and_not_the_input():
    output = """INFO: seed corpus
 === Uncaught Python exception: ===
KeyError: 'res9'
Traceback (most recent call last):
  File "a.py", line 3, in run
    f(data)
MS: 2 InsertByte-CrossOver-
"""
    assert fuzz.told(output) == """KeyError: 'res9' (File "a.py", line 3, in run)"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_fuzzer_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A few seconds of the reader of packets' headers, which has no fault."""
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path)
    found = fuzz.fuzz("packet", 5)
    assert found.runs > 0
    assert found.fault is None
    assert list((tmp_path / "packet").iterdir())
