import json
from pathlib import Path

import pytest
import torch

from gta.evaluation.scores import Scores

from .conftest import Run


def model(right: list[int], name: str) -> Scores:
    """A model that has these of 60 videos right, and takes the others for the next class."""
    labels = torch.arange(60) % 3
    taken = (labels + 1) % 3
    taken[right] = labels[right]
    scores = torch.nn.functional.one_hot(taken, 3).float()
    ids = [f"v{i}" for i in range(60)]
    return Scores(ids, labels, scores, ["up", "down", "left"], "1x1-center224", model=name)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    a, b = tmp_path / "a.npz", tmp_path / "b.npz"
    model(list(range(30)), "r2d50").save(a)
    model(list(range(2, 54)), "r2d50_gta").save(b)
    return a, b


def test_tables_and_a_sentence(run: Run, files: tuple[Path, Path]):
    answer = run("compare", *files)
    assert answer.code == 0, answer.err
    rows = [[c.strip() for c in line.split("│")[1:-1]] for line in answer.out.splitlines()]
    assert ["A", "r2d50", "1x1-center224", "50.0%"] in [row[:4] for row in rows]
    assert ["B", "r2d50_gta", "1x1-center224", "86.7%"] in [row[:4] for row in rows]
    assert ["left", "20", "50%", "90%", "+40.0"] in [row[:5] for row in rows]
    assert "B is better than A by 36.7 points (" in answer.out
    assert "), p < 0.0001." in answer.out
    assert "3 of 3 classes have a 95 % interval that excludes 0" in answer.out


def test_json(run: Run, files: tuple[Path, Path]):
    told = json.loads(run("compare", *files, "--json").out)
    assert [one["model"] for one in told["members"]] == ["r2d50", "r2d50_gta"]
    assert (told["videos"], told["only_a"], told["only_b"]) == (60, 2, 24)
    assert told["gain"] == pytest.approx(22 / 60)
    assert told["low"] < told["gain"] < told["high"]
    assert told["p"] == pytest.approx(2 * (1 + 26 + 325) / 2**26)
    assert [one["class"] for one in told["classes"]] == ["left", "down", "up"]
    assert [one["gain"] for one in told["classes"]] == pytest.approx([0.4, 0.35, 0.35])
    assert told["conclusion"].startswith("B is better")


def test_mistakes(run: Run, files: tuple[Path, Path], tmp_path: Path):
    a, b = files
    model([0], "x").in_order(list(range(59))).save(tmp_path / "short.npz")
    cases = [
        ((a, a), 2, "a.npz is given twice"),
        ((a, tmp_path / "short.npz"), 3, "1 of 60 videos are only in"),
        ((a, tmp_path / "none.npz"), 3, "none.npz: no such score file"),
        ((a, tmp_path), 2, "holds no score file; `gta test"),
        ((a,), 2, "Missing argument"),
    ]
    for arguments, code, message in cases:
        answer = run("compare", *arguments)
        assert (answer.code, message in answer.err) == (code, True), answer.err
        assert "Traceback" not in answer.err
    b.write_text("no scores")
    answer = run("compare", a, b)
    assert (answer.code, "b.npz is not a score file written by" in answer.err) == (3, True)
