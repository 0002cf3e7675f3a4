"""`gta show` and `gta figure`: on small networks without training, and clips rendered here."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gta.cli.any_network import changed_recipe
from gta.evaluation.scores import Scores
from gta.files import write_atomically
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run as Trained

from .conftest import Run

SMALL = ("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16")
CLASSES = [
    "Moving something down",
    "Moving something from left to right",
    "Moving something from right to left",
    "Moving something up",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, ordered: Path) -> dict[str, Path]:
    """Runs with fresh weights, whose blocks do something."""
    folder, made = tmp_path_factory.mktemp("runs"), {}
    settings = [*SMALL, f"data.root={ordered}"]
    for name, blocks in (("nl", "nl"), ("dnl", "sa,ta"), ("gta", "sa,gta")):
        recipe = read_recipe(find_recipe("ordered", "tiny_gta"))
        recipe = changed_recipe(recipe, blocks, settings, freeze=False)
        run = Trained.create(folder / name, recipe, CLASSES)
        torch.manual_seed(1)
        model = run.build()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm3d):
                nn.init.constant_(module.weight, 0.5)
        run.save_weights(model, "last", epoch=1)
        made[name] = folder / name
    return made


@pytest.fixture(scope="module")
def clip(ordered: Path) -> Path:
    return ordered / "20bn-something-something-v2/41.webm"


def test_show_writes_pictures_and_lists_them(
    run: Run, runs: dict[str, Path], clip: Path, tmp_path: Path
):
    out = tmp_path / "pictures"
    answer = run(
        *("show", runs["gta"], clip, "--out", out, "--at", "20,9,2", "--json"),
        *("--beside", runs["nl"]),
    )
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["query"] == {"x": 20.0, "y": 9.0, "frame": 2}
    assert told["layers"][0]["cell"] == [2, 1, 2]
    assert told["beside"][0]["layers"][0]["kind"] == "joint"
    kinds = {"overlay", "attention", "regions", "evidence", "components", "matrices", "beside"}
    assert kinds <= set(told["files"])
    for paths in told["files"].values():
        for path in paths:
            assert Path(path).stat().st_size > 1000
            assert path in answer.err or "beside" in path
    state, _ = Trained.open(runs["gta"]).load()
    own = state.inserted["res3_0"][1].pixel.matrix.detach().numpy()
    assert np.allclose(told["matrices"][0]["mean"], own.mean((0, 2)), atol=1e-6)
    with Image.open(out / "overlay.gif") as picture:
        assert picture.n_frames == 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--at", "1,2"], "--at 1,2: give x,y,frame, such as --at 30,42,5: pixels of the clip"),
        (["--at", "1,2,4"], "--at 1,2,4 is not in the clip: x is 0 to 31, y 0 to 31, the frame 0"),
        (["--view", "1"], "--view 1: protocol 1x1-center32 has 1 views, 0 to 0; --protocol"),
        (["--place", "res5_0"], "there are no blocks at 'res5_0'. Did you mean 'res4_0'? There"),
    ],
)
def test_mistakes_of_show(
    run: Run, runs: dict[str, Path], clip: Path, tmp_path: Path, options: list[str], text: str
):
    answer = run("show", runs["gta"], clip, "--out", tmp_path, *options)
    assert answer.code == 2
    assert text in answer.err


def test_the_papers_figures(run: Run, runs: dict[str, Path], tmp_path: Path):
    for which, names in {"1": ("nl", "dnl"), "6": ("nl", "dnl"), "7": ("gta",)}.items():
        out = tmp_path / f"{which}{'.webp' if which == '7' else '.png'}"
        folders = [runs[name] for name in names]
        answer = run(
            "figure", which, "--runs", *folders, "--out", out, "--clips", "41,44", "--dpi", "50"
        )
        assert answer.code == 0, answer.err
        with Image.open(out) as picture:
            assert 1000 > picture.height > 400
    answer = run("figure", "1", "--runs", runs["nl"], "--out", tmp_path / "a.png")
    assert answer.code == 2
    assert "Figure 1 takes 2 runs, NL and DNL: give them as --runs RUN...; got 1" in answer.err
    answer = run("figure", "4", runs["nl"], "--clips", "41", "--out", tmp_path / "a.png")
    assert "nl has no Region GTA: give a run with region=true" in answer.err
    answer = run("figure", "4", runs["gta"], "--clips", "1", "--out", tmp_path / "a.png")
    assert "there is no held-out clip '1'." in answer.err
    answer = run("figure", "4", runs["gta"], "--out", tmp_path / "a.jpg")
    assert "a.jpg: a figure ends in .png, .svg or .webp" in answer.err


def test_figures_of_classes(run: Run, runs: dict[str, Path], tmp_path: Path):
    ids, labels = [str(i) for i in range(41, 53)], torch.arange(12) % 4
    for name, shift in (("dnl", 2), ("gta", 0)):
        answers = nn.functional.one_hot((labels + shift * (torch.arange(12) < 6)) % 4, 4).float()
        scores = Scores(ids, labels, answers, CLASSES, "1x1-center32", model=name)
        write_atomically(runs[name] / "scores-1x1-center32.npz", scores.save)
    for which, names in {"gains": ("dnl", "gta"), "confused": ("dnl",)}.items():
        out = tmp_path / f"{which}.svg"
        answer = run("figure", which, *[runs[name] for name in names], "--out", out)
        assert answer.code == 0, answer.err
        assert out.read_text().count("<path") > 20
    other = tmp_path / "other"
    shutil.copytree(runs["gta"], other)
    scores = Scores(ids, labels, answers.flip(0), CLASSES, "1x1-center32", model="other")
    write_atomically(other / "scores-1x1-center32.npz", scores.save)
    out = tmp_path / "groups.svg"
    answer = run("figure", "5", "--runs", runs["gta"], other, "--out", out)
    assert answer.code == 0, answer.err
    assert out.stat().st_size > 5000
    for which, text in (
        ("gains", "gains takes 2 runs, A and B; got 1"),
        ("5", "Figure 5 takes 2 runs or more, of several group counts; got 1"),
    ):
        answer = run("figure", which, runs["dnl"], "--out", tmp_path / "a.png")
        assert answer.code == 2
        assert text in answer.err
