"""`gta test`: what stands beside the score file, and the test split's submission."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from gta.data.videos import load_videos
from gta.evaluation.scores import Scores, list_hash

from .conftest import Run


@pytest.fixture
def with_test_split(ordered: Path, tmp_path: Path) -> Path:
    """The data set again, with the held-out videos as a test split without labels too."""
    root = tmp_path / "data"
    shutil.copytree(ordered, root)
    (annotation,) = root.rglob("*validation.json")
    ids = [{"id": entry["id"]} for entry in json.loads(annotation.read_text())]
    place = annotation.with_name(annotation.name.replace("validation", "test"))
    place.write_text(json.dumps(ids))
    return root


def test_tables_beside_the_score_file(run: Run, trained: Path, tmp_path: Path):
    answer = run("test", trained, "--scores", tmp_path / "s.npz")
    assert answer.code == 0, answer.err
    found = Scores.load(tmp_path / "s.npz")
    low, high = found.interval()
    assert f"{100 * low:.1f} to {100 * high:.1f}" in answer.out
    with (tmp_path / "s-classes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == found.classes
    assert sum(int(row["correct"]) for row in rows) == found.correct().sum()
    with (tmp_path / "s-confusion.csv").open() as file:
        cells = [list(map(int, row[1:])) for row in list(csv.reader(file))[1:]]
    assert [sum(row) for row in cells] == [int(row["videos"]) for row in rows]
    with Image.open(tmp_path / "s-confusion.png") as picture:
        assert picture.width > 500
    for kind in ("s.npz", "s-classes.csv", "s-confusion.csv", "s-confusion.png"):
        assert str(tmp_path / kind) in answer.out


def test_a_score_file_tells_how_it_was_made(run: Run, trained: Path, ordered: Path, tmp_path: Path):
    told = json.loads(run("test", trained, "--json", "--scores", tmp_path / "s.npz").out)
    videos = load_videos("ssv2", ordered, "val")
    expected = list_hash(videos.classes, [(v.id, v.label) for v in videos.videos])
    assert told["list_hash"] == Scores.load(tmp_path / "s.npz").about.list_hash == expected
    assert (told["dataset"], told["split"]) == ("ssv2", "val")
    assert (told["num_frames"], told["num_views"]) == (4, 1)
    low, high = told["top1_interval"]
    assert low < told["top1"] < high
    assert told["confusion_picture"] == str(tmp_path / "s-confusion.png")


def test_a_submission(run: Run, trained: Path, with_test_split: Path, tmp_path: Path):
    out = tmp_path / "submission.csv"
    answer = run(
        *("test", trained, "--root", with_test_split, "--split", "test", "--submission", out),
        *("--scores", tmp_path / "s.npz"),
    )
    assert answer.code == 0, answer.err
    assert "no labels" in answer.out
    found = Scores.load(tmp_path / "s.npz")
    assert found.num_labeled == 0
    rows = [line.split(";") for line in out.read_text().splitlines()]
    assert [row[0] for row in rows] == found.ids
    assert [int(row[1]) for row in rows] == found.scores.argmax(1).tolist()
    assert {len(row) for row in rows} == {5}  # four classes
    assert not (tmp_path / "s-confusion.png").exists()
    told = json.loads(
        run(
            *("test", trained, "--root", with_test_split, "--split", "test", "--json"),
            *("--scores", tmp_path / "s.npz"),
        ).out
    )
    assert told["top1"] is None
    compared = run("compare", tmp_path / "s.npz", _other(found, tmp_path / "t.npz"))
    assert (compared.code, "have no labels" in compared.err) == (3, True)


def _other(scores: Scores, path: Path) -> Path:
    scores.scores[0] = scores.scores[0].flip(0)
    scores.save(path)
    return path


def test_the_test_split_has_a_score_file_of_its_own(
    run: Run, trained: Path, with_test_split: Path, tmp_path: Path
):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("scores-*"))
    run("test", folder, "--root", with_test_split, "--split", "test")
    run("test", folder, "--root", with_test_split, "--best", "--frames", "4")
    assert sorted(path.name for path in folder.glob("scores-*.npz")) == [
        "scores-1x1-center32-best-4frames.npz",
        "scores-1x1-center32-test.npz",
    ]


def test_scores_of_other_weights_and_splits_leave_a_run_comparable(
    run: Run, trained: Path, with_test_split: Path, tmp_path: Path
):
    a, b = tmp_path / "a", tmp_path / "b"
    for folder in (a, b):
        shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("scores-*"))
        assert run("test", folder, "--root", with_test_split).code == 0
        assert run("test", folder, "--root", with_test_split, "--split", "test").code == 0
        assert run("test", folder, "--root", with_test_split, "--best").code == 0
    for options, part in (((), ""), (("--best",), "-best"), (("--split", "test"), "-test")):
        name = f"scores-1x1-center32{part}.npz"
        _other(Scores.load(b / name), b / name)
        answer = run("ensemble", a, b, *options, "--json")
        assert answer.code == 0, answer.err
        members = [member["scores"] for member in json.loads(answer.out)["members"]]
        assert members == [str(a / name), str(b / name)]
    answer = run("compare", a, b, "--protocol", "3x2-full28", "--best")
    assert answer.code == 2
    assert "holds no score file of --protocol 3x2-full28 --best: `gta test" in answer.err
    assert "scores-1x1-center32-best.npz (--protocol 1x1-center32 --best)" in answer.err


def test_mistakes(run: Run, trained: Path, tmp_path: Path):
    answer = run("test", trained, "--scores", tmp_path / "s.csv")
    assert answer.code == 2
    assert f"--scores {tmp_path / 's.csv'}: a score file ends in .npz" in answer.err
    answer = run("test", trained, "--split", "train")
    assert answer.code == 2
    assert "'train' is not one of 'val', 'test'" in answer.err
    answer = run("test", trained, "--split", "test")
    assert answer.code == 3
    assert "No test file of Something-Something v2" in answer.err
