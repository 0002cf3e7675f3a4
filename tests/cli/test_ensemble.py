import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gta.evaluation.scores import About, Scores

from .conftest import Run


def model(seed: int, name: str) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(60) % 3
    logits = torch.randn(60, 3, generator=generator)
    logits[torch.arange(60), labels] += 1
    return Scores(
        [f"v{i}" for i in range(60)],
        labels,
        logits.softmax(1),
        ["up", "down", "left"],
        "1x1-center224",
        model=name,
        about=About("ssv2", "val", "12ab", num_frames=8, num_views=1),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in ((1, "eight"), (2, "sixteen")):
        (tmp_path / name).mkdir()
        model(seed, name).save(tmp_path / name / "scores-1x1-center224.npz")
    return tmp_path


def test_the_mean_of_two_runs(run: Run, folder: Path):
    out = folder / "both.npz"
    answer = run("ensemble", folder / "eight", folder / "sixteen", "--out", out)
    assert answer.code == 0, answer.err
    parts = [model(1, "eight"), model(2, "sixteen")]
    mean = sum(np.asarray(part.scores, dtype=np.float64) for part in parts) / 2
    found = Scores.load(out)
    np.testing.assert_allclose(found.scores, mean, atol=1e-6)
    assert (found.labels == parts[0].labels).all()
    assert [name.split(",")[0] for name in found.about.parts] == ["eight", "sixteen"]
    for one in (*parts, found):
        assert f"{one.top(1):.1%}" in answer.out
        assert one.model in answer.out
    for kind in ("both.npz", "both-classes.csv", "both-confusion.csv", "both-confusion.png"):
        assert (folder / kind).is_file()
        assert str(folder / kind) in answer.out


def test_nothing_is_written_unasked(run: Run, folder: Path):
    before = sorted(folder.rglob("*"))
    assert run("ensemble", folder / "eight", folder / "sixteen").code == 0
    assert sorted(folder.rglob("*")) == before


def test_json_and_weights(run: Run, folder: Path):
    answer = run("ensemble", folder / "eight", folder / "sixteen", "--weights", "1,3", "--json")
    told = json.loads(answer.out)
    assert [one["model"] for one in told["members"]] == ["eight", "sixteen"]
    assert told["members"][0]["top1"] == model(1, "").top(1)
    weighted = (model(1, "").scores + 3 * model(2, "").scores) / 4
    assert told["top1"] == (weighted.argmax(1) == model(1, "").labels).double().mean()
    assert told["parts"][1] == "sixteen, 1x1-center224, weight 0.75"


def test_an_ensemble_can_be_averaged_again(run: Run, folder: Path):
    out = folder / "both.npz"
    run("ensemble", folder / "eight", folder / "sixteen", "--out", out)
    model(3, "third").save(folder / "third.npz")
    answer = run("ensemble", out, folder / "third.npz", "--weights", "2,1", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["videos"] == 60


def test_a_submission(run: Run, folder: Path):
    out = folder / "submission.csv"
    answer = run("ensemble", folder / "eight", folder / "sixteen", "--submission", out)
    assert answer.code == 0, answer.err
    assert f"submission: {out}" in answer.out
    best = ((model(1, "").scores + model(2, "").scores) / 2).argmax(1).tolist()
    lines = out.read_text().splitlines()
    assert [line.split(";")[:2] for line in lines] == [
        [f"v{i}", f"{b}"] for i, b in enumerate(best)
    ]


def test_mistakes(run: Run, folder: Path):
    a, b = folder / "eight", folder / "sixteen"
    other = replace(model(3, "third"), classes=["up", "left", "down"])
    other.save(folder / "third.npz")
    replace(model(4, "k400"), about=About(dataset="kinetics")).save(folder / "k400.npz")
    broken = model(5, "broken")
    broken.scores[3, 0] = torch.nan
    broken.save(folder / "broken.npz")
    cases = [
        ((a,), 2, "an ensemble needs at least two score files"),
        ((a, a), 2, "scores-1x1-center224.npz is given twice; each score file counts once"),
        ((a, folder / "none.npz"), 3, "none.npz: no such score file. `gta test RUN` writes it."),
        ((a, folder / "third.npz"), 3, "the classes are the same in another order: number 1"),
        ((a, folder / "broken.npz"), 3, "the scores of 1 of 60 videos are NaN or infinite, first"),
        ((a, b, "--weights", "1"), 2, "1 weights for 2 score files"),
        ((a, b, "--weights", "much"), 2, "--weights much: expected numbers"),
        ((a, b, "--out", folder / "x"), 2, "a score file ends in .npz"),
        ((a, b, "--protocol", "3x2-full256"), 2, "holds no score file of --protocol 3x2-full256"),
        ((a, b, "--out", a / "scores-1x1-center224.npz"), 2, "is one of the files that are avera"),
        ((a, folder / "k400.npz", "--submission", folder / "s"), 2, "--submission is for Somethi"),
    ]
    for arguments, code, message in cases:
        answer = run("ensemble", *arguments)
        assert (answer.code, message in answer.err) == (code, True), answer.err
        assert "Traceback" not in answer.err
