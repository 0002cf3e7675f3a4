"""The README's first command, whole: it takes minutes."""

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from gta.evaluation.scores import Scores

from .conftest import Run

pytestmark = pytest.mark.slow


def test_gta_tells_the_order_of_events_and_the_others_cannot(run: Run, tmp_path: Path):
    out = tmp_path / "quickstart"
    answer = run("quickstart", "--out", out, "--device", "cpu")
    assert answer.code == 0, answer.err
    ceiling = json.loads((out / "data/ordered.json").read_text())["order_blind_ceiling"]
    results = {
        name: Scores.load(out / name / "scores-1x1-center64.npz")
        for name in ("tiny", "tiny_dnl", "tiny_gta")
    }
    noise = 3 * math.sqrt(ceiling * (1 - ceiling) / len(results["tiny"]))
    assert results["tiny_gta"].top(1) >= 0.85
    assert results["tiny"].top(1) <= ceiling + noise
    assert results["tiny_dnl"].top(1) <= ceiling + noise
    for scores in results.values():
        about = scores.about
        assert (about.dataset, about.split, about.num_frames) == ("ssv2", "val", 8)
        assert about.list_hash
        assert f"{scores.top(1):.1%}" in answer.out
    assert f"order-blind ceiling │ {ceiling:.1%}" in answer.out
    with Image.open(out / "quickstart.png") as picture:
        assert picture.width > 1000
    told = json.loads((out / "results.json").read_text())
    assert told["models"]["GTA"]["top1"] == results["tiny_gta"].top(1)

    again = run("quickstart", "--out", out, "--device", "cpu")
    assert again.code == 0
    assert "epoch 1/" not in again.out  # nothing is trained twice
    clip = next((out / "data/20bn-something-something-v2").iterdir())
    assert run("predict", out / "tiny_gta", clip).code == 0
