import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gta.errors import DataError
from gta.evaluation.scores import About, Scores, list_hash


def scores() -> Scores:
    return Scores(
        ids=["7", "a/ü.mp4", "9"],
        labels=torch.tensor([0, 1, 1]),
        scores=torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]),
        classes=["Opening something", "Ouvrir à côté"],
        protocol="1x1-center224",
        failures=[("x.mp4", "is empty (0 bytes)")],
        model="run, last.safetensors",
        about=About("ssv2", "val", "12ab", num_frames=8, num_views=1, parts=("a", "b")),
    )


def test_a_score_file_keeps_everything(tmp_path: Path):
    saved = scores()
    saved.save(tmp_path / "s.npz")
    found = Scores.load(tmp_path / "s.npz")
    assert torch.equal(found.scores, saved.scores)
    assert torch.equal(found.labels, saved.labels)
    for name in ("ids", "classes", "protocol", "failures", "model", "about"):
        assert getattr(found, name) == getattr(saved, name)


def test_figures():
    summary = scores().summary()
    assert summary["top1"] == pytest.approx(2 / 3)  # a tie is lost
    assert summary["top5"] is None  # of two classes, one is always among the first five
    assert summary["mean_class"] == 0.75
    assert summary["videos"] == 3
    assert summary["protocol"] == "1x1-center224"
    assert summary["top1_interval"] == pytest.approx([0.2077, 0.9385], abs=1e-4)
    assert summary["list_hash"] == "12ab"
    assert summary["num_frames"] == 8
    assert summary["unreadable"] == [{"path": "x.mp4", "reason": "is empty (0 bytes)"}]


def test_an_independent_script_gives_the_same_figures(tmp_path: Path):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 7, (200,), generator=generator)
    given = torch.randn(200, 7, generator=generator)
    given[torch.arange(200), labels] += 1
    saved = Scores([str(i) for i in range(200)], labels, given.softmax(1), list("abcdefg"), "p")
    saved.save(tmp_path / "s.npz")

    file = np.load(tmp_path / "s.npz")
    ranked = np.argsort(-file["scores"], axis=1)
    right = ranked[:, 0] == file["labels"]
    top1 = right.mean()
    top5 = (ranked[:, :5] == file["labels"][:, None]).any(1).mean()
    mean_class = np.mean([right[file["labels"] == c].mean() for c in np.unique(file["labels"])])
    n, z = len(right), 1.959964
    center = (right.sum() + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(n * top1 * (1 - top1) + z * z / 4)

    told = Scores.load(tmp_path / "s.npz").summary()
    assert 0.3 < top1 < top5 < 1
    assert (told["top1"], told["top5"]) == (top1, top5)
    assert told["mean_class"] == pytest.approx(mean_class, abs=1e-12)
    assert told["top1_interval"] == pytest.approx([center - half, center + half], abs=1e-7)


def test_videos_without_labels_are_in_no_figure():
    labeled = scores().summary()
    some = replace(scores(), labels=torch.tensor([0, 1, -1]))
    assert some.summary()["top1"] == 0.5
    assert (some.summary()["videos"], some.summary()["labelled"]) == (3, 2)
    none = replace(scores(), labels=torch.full((3,), -1)).summary()
    assert [none[name] for name in ("top1", "top5", "mean_class", "top1_interval")] == [None] * 4
    assert none["videos"] == labeled["videos"]
    json.dumps(none, allow_nan=False)


def test_the_hash_of_a_list_is_that_of_its_definition():
    videos = [("b", 1), ("a", None), ("ü", 0)]
    text = '[["x","y"],[["a",-1],["b",1],["ü",0]]]'
    assert list_hash(["x", "y"], videos) == hashlib.sha256(text.encode()).hexdigest()
    assert list_hash(["x", "y"], videos[::-1]) == list_hash(["x", "y"], videos)
    others = [
        list_hash(["y", "x"], videos),
        list_hash(["x", "y"], videos[:2]),
        list_hash(["x", "y"], [("b", 0), *videos[1:]]),
    ]
    assert len({list_hash(["x", "y"], videos), *others}) == 4


def test_early_files_stay_readable(tmp_path: Path):
    about = {"protocol": "1x1-center224", "model": "m", "failures": []}
    arrays = {"ids": np.array(["1"]), "labels": np.array([0]), "classes": np.array(["a", "b"])}
    given = np.array([[0.75, 0.25]], np.float32)
    np.savez(tmp_path / "s.npz", about=np.array(json.dumps(about)), scores=given, **arrays)
    found = Scores.load(tmp_path / "s.npz")
    assert found.top(1) == 1
    assert found.about == About(version="")


def test_another_order_of_the_videos():
    turned = scores().in_order([2, 0, 1])
    assert turned.ids == ["9", "7", "a/ü.mp4"]
    assert turned.labels.tolist() == [1, 0, 1]
    assert torch.equal(turned.scores, scores().scores[[2, 0, 1]])


FAULTS = {
    "NaN": (
        {"scores": torch.tensor([[0.75, 0.25], [0.5, torch.nan], [torch.inf, 0.5]])},
        "the scores of 2 of 3 videos are NaN or infinite, first those of 'a/ü.mp4'. Test again",
    ),
    "logits": (
        {"scores": torch.tensor([[0.75, 0.25], [2.5, 0.5], [0.125, 0.875]])},
        "the scores of 1 of 3 videos are not probabilities (each at least 0, their sum 1), first "
        "those of 'a/ü.mp4', with a sum of 3.000. Logits have to go through softmax first.",
    ),
    "negative": (
        {"scores": torch.tensor([[1.5, -0.5], [0.5, 0.5], [0.125, 0.875]])},
        "the scores of 1 of 3 videos are not probabilities",
    ),
    "columns": (
        {"scores": torch.full((3, 4), 0.25)},
        "3 videos and 2 classes, but scores of shape (3, 4) and labels of shape (3,); expected "
        "(3, 2) and (3,)",
    ),
    "rows": (
        {"labels": torch.tensor([0, 1])},
        "3 videos and 2 classes, but scores of shape (3, 2) and labels of shape (2,)",
    ),
    "empty": (
        {"ids": [], "labels": torch.zeros(0, dtype=torch.int64), "scores": torch.zeros(0, 2)},
        "it holds 0 videos of 2 classes",
    ),
    "kinds": (
        {"labels": torch.tensor([0.0, 1, 1])},
        "its scores and labels are float32 and float32; expected float32 and int64",
    ),
    "twice": ({"ids": ["7", "8", "7"]}, "video '7' is in it more than once"),
    "label": (
        {"labels": torch.tensor([0, 2, 1])},
        "the label of video 'a/ü.mp4' is 2, and there are 2 classes",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_scores_that_cannot_be_right_are_refused(tmp_path: Path, fault: str):
    changes, message = FAULTS[fault]
    replace(scores(), **changes).save(tmp_path / "s.npz")
    with pytest.raises(DataError, match=r"s.npz is not a usable score file: ") as caught:
        Scores.load(tmp_path / "s.npz")
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ["text", "other arrays", "objects", "cut", "folder"])
def test_what_is_no_score_file_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "s.npz"
    if content == "text":
        path.write_text("video,score")
    elif content == "other arrays":
        np.savez(path, a=np.zeros(3))
    elif content == "objects":
        np.savez(path, about=np.array([{"run": "me"}], dtype=object))
    elif content == "cut":
        scores().save(path)
        path.write_bytes(path.read_bytes()[:-300])
    else:
        path.mkdir()
    with pytest.raises(
        DataError, match=r"s.npz is not a score file written by `gta test`: "
    ) as caught:
        Scores.load(path)
    assert "pickle.load" not in str(caught.value)  # an advice of numpy


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(DataError, match=r"s.npz: no such score file. `gta test RUN` writes it."):
        Scores.load(tmp_path / "s.npz")
