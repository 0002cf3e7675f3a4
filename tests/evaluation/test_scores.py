from pathlib import Path

import numpy as np
import pytest
import torch

from gta.errors import DataError
from gta.evaluation.scores import Scores


def scores() -> Scores:
    return Scores(
        ids=["7", "a/ü.mp4", "9"],
        labels=torch.tensor([0, 1, 1]),
        scores=torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]),
        classes=["Opening something", "Ouvrir à côté"],
        protocol="1x1-center224",
        failures=[("x.mp4", "is empty (0 bytes)")],
        model="run, last.safetensors",
    )


def test_a_score_file_keeps_everything(tmp_path: Path):
    saved = scores()
    saved.save(tmp_path / "s.npz")
    found = Scores.load(tmp_path / "s.npz")
    assert torch.equal(found.scores, saved.scores)
    assert torch.equal(found.labels, saved.labels)
    for name in ("ids", "classes", "protocol", "failures", "model"):
        assert getattr(found, name) == getattr(saved, name)


def test_figures():
    summary = scores().summary()
    assert summary["top1"] == pytest.approx(2 / 3)  # a tie is lost
    assert summary["top5"] == 1
    assert summary["mean_class"] == 0.75
    assert summary["videos"] == 3
    assert summary["protocol"] == "1x1-center224"
    assert summary["unreadable"] == [{"path": "x.mp4", "reason": "is empty (0 bytes)"}]


@pytest.mark.parametrize("content", ["nothing", "text", "other arrays", "objects"])
def test_what_is_no_score_file_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "s.npz"
    if content == "text":
        path.write_text("video,score")
    elif content == "other arrays":
        np.savez(path, a=np.zeros(3))
    elif content == "objects":
        np.savez(path, about=np.array([{"run": "me"}], dtype=object))
    with pytest.raises(DataError, match=r"s.npz is not a score file written by `gta test`: "):
        Scores.load(path)
