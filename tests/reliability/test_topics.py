"""The exam's table, and its topics in small where they take seconds."""

import importlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from benchmarks.reliability.line import BUSY, Line, is_busy, table

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / "benchmarks/results/reliability.json").read_text(encoding="utf-8"))


def topic(*lines: Line, load: float = 0.0) -> dict:
    return {"load": load, "lines": [asdict(line) for line in lines]}


def test_the_table_is_sorted_and_marks_what_a_busy_machine_has_timed():
    lines = [
        Line(4, "a signal", "3 s", "10 s", True, timed=True),
        Line(2, "a stop", "1 differs", "0", False),
        Line(5, "a full disk", "needs a mount", "0 lost", None),
    ]
    found = table({"topics": {"a": topic(*lines, load=BUSY + 0.1)}}).splitlines()[2:]
    assert found == [
        "| 2 | a stop | 1 differs | 0 | FAILS | `a` |",
        "| 4 | a signal | 3 s | 10 s | holds (busy machine) | `a` |",
        "| 5 | a full disk | needs a mount | 0 lost | not tried | `a` |",
    ]
    assert is_busy(topic(*lines, load=BUSY + 0.1))
    assert not is_busy(topic(*lines))
    assert not is_busy(topic(*lines[1:], load=BUSY + 0.1))


def test_every_line_of_the_list_has_a_result():
    numbers = {line["number"] for each in RESULTS["topics"].values() for line in each["lines"]}
    assert numbers == set(range(1, 32))


def test_weights_of_another_network():
    lines = list(importlib.import_module("benchmarks.reliability.strangers_weights").lines())
    assert [(line.number, line.passed) for line in lines] == [(22, True)], lines


def test_manifests_that_name_files_elsewhere(tmp_path: Path):
    topic = importlib.import_module("benchmarks.reliability.strangers_archives")
    assert topic.manifests(tmp_path) == []


def test_playlists_open_nothing(tmp_path: Path):
    topic = importlib.import_module("benchmarks.reliability.media_limits")
    tried, refused, connections = topic.playlists(tmp_path)
    assert (tried > 50, refused, connections) == (True, tried, 0)


@pytest.mark.slow
def test_frames_of_twenty_containers():
    topic = importlib.import_module("benchmarks.reliability.media_identity")
    (line,) = topic.lines(rounds=1)
    assert (line.passed, line.value) == (True, "0 are other frames")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("media_forms", "training_numbers", "training_machine"),
    ],
)
def test_topics_of_seconds(name: str):
    lines = importlib.import_module(f"benchmarks.reliability.{name}").lines()
    assert [line.value for line in lines if not line.passed and not line.timed] == []
