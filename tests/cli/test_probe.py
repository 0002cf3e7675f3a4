"""`gta probe`: table, JSON, csv."""

import csv
import json
from pathlib import Path

import pytest

from .conftest import Run


def test_table(run: Run, trained: Path, tmp_path: Path):
    answer = run("probe", trained, "--out", tmp_path / "classes.csv", "--workers", "0")
    assert answer.code == 0, answer.err
    assert "protocol 1x1-center32 (1 view, probabilities)" in answer.out
    for name in ("in order", "reversed", "shuffled", "frozen", "rate / 2", "rate / 4"):
        assert name in answer.out
    assert "Classes by what shuffling loses, 4 of 4" in answer.out
    assert "of 4 classes have a 95 % interval that excludes 0" in answer.out
    assert "No verdict: in order " in answer.out  # two epochs on 40 clips
    with (tmp_path / "classes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert sum(int(row["videos"]) for row in rows) == 12
    assert {"class", "in order", "shuffled"} <= rows[0].keys()


def test_json(run: Run, trained: Path):
    told = json.loads(run("probe", trained, "--json", "--workers", "0").out)
    assert told["protocol"] == "1x1-center32"
    assert isinstance(told["blind"], bool)
    shuffled = told["disturbances"]["shuffled"]
    assert shuffled["videos"] == 12
    assert shuffled["a"] == told["disturbances"]["frozen"]["a"]
    assert shuffled["low"] <= shuffled["b"] - shuffled["a"] <= shuffled["high"]
    assert shuffled["gain"] == pytest.approx(shuffled["b"] - shuffled["a"])
    assert told["sees_order"]
    assert told["verdict"][-1].startswith("No verdict: in order ")


def test_other_classes(run: Run, trained: Path, tmp_path: Path):
    for name in ("a", "b"):
        for i in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{i}.mp4").touch()
    answer = run("probe", trained, "--root", tmp_path)
    assert answer.code == 3
    assert "No labels file of Something-Something v2 under" in answer.err
