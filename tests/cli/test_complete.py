"""What Tab offers, in each shell, and what the listings of `help` say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gta.cli.options import with_short_forms
from gta.errors import UsageError
from gta.recipes import find_recipe, read_recipe, shipped_recipes

from .conftest import Run


def offered(line: str, folder: Path, shell: str = "bash") -> list[str]:
    """What is offered at the end of a line; torch is not there, so that nothing imports it."""
    asked = {"_GTA_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        asked |= {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    else:
        asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'numpy', 'av')));"
        "sys.argv = ['gta']; from gta.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout.split()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for run in ("runs/first", "runs/second", "other"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "recipe.yaml").touch()
    (tmp_path / "videos").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gta tra", ["train"]),
        ("gta train --model r2d18", ["r2d18", "r2d18_gta"]),
        ("gta train --data k400 --model tsm50_", ["tsm50_nl"]),
        ("gta train --data ", ["folder", "k400", "ordered", "ssv1", "ssv2"]),
        ("gta train --set train.w", ["train.warmup_epochs=", "train.weight_decay="]),
        (
            "gta recipes ssv2/tsm",
            [f"ssv2/tsm50{end}" for end in ("", "_gta", "_gta_16f", "_gta_causal")],
        ),
        ("gta recipes runs/f", ["runs/first"]),
        ("gta recipes --ensemble ", ["ssv1", "ssv2"]),
        ("gta test ", ["other", "runs/first", "runs/second"]),
        ("gta predict runs/s", ["runs/second"]),
        ("gta probe ./o", ["./other"]),
        ("gta test {place}/runs/f", ["{place}/runs/first"]),
    ],
)
def test_tab(place: Path, line: str, expected: list[str]):
    told = [text.format(place=place) for text in expected]
    assert offered(line.format(place=place), place) == told


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(place: Path, shell: str):
    told = " ".join(offered("gta train --model tiny", place, shell))
    assert all(name in told for name in ("tiny", "tiny_dnl", "tiny_gta"))


def test_models_are_listed(run: Run):
    answer = run("train", "--model", "help")
    assert answer.code == 0
    lines = answer.out.splitlines()
    for data, models in shipped_recipes().items():
        start = lines.index(f"--data {data}")
        assert [line.split()[1] for line in lines[start + 1 :][: len(models)]] == models
    one = run("cost", "--model", "help", "--data", "k400").out
    assert "--data k400" in one
    assert "--data folder\n" not in one
    assert "--data ordered  4 models, such as tiny_gta" in run("train", "--data", "help").out


def test_settings_are_listed_with_the_values_of_a_recipe(run: Run, tmp_path: Path):
    answer = run("train", "--model", "tiny_gta", "--data", "folder", "--set", "help")
    assert answer.code == 0
    line = next(line for line in answer.out.splitlines() if line.startswith("train.batch_size="))
    assert line.split(maxsplit=1) == [
        "train.batch_size=16",
        "Clips of one step over all processes.",
    ]
    assert "model.alpha" not in answer.out  # SlowFast's
    bare = run("train", "--set", "help")
    assert bare.code == 0
    assert "model.alpha=..." in bare.out
    assert "With --model and --data, their values" in bare.out
    settings = [line.split("  ")[0].split("} ")[0] for line in answer.out.splitlines()]
    file = tmp_path / "r.yaml"
    file.write_bytes(find_recipe("folder", "tiny_gta").read_bytes())
    again = [text for text in settings if text.startswith(("train.", "test.", "augment.flip"))]
    assert len(again) > 20
    assert read_recipe(file, again) == read_recipe(file)


def test_short_forms():
    given = {"train.epochs": 3, "train.batch_size": None, "train.lr": 1e-05}
    assert with_short_forms(["data.workers=0"], given) == [
        "data.workers=0",
        "train.epochs=3",
        "train.lr=1e-05",
    ]
    with pytest.raises(UsageError) as caught:
        with_short_forms([" train.batch_size = 4"], {"train.batch_size": 8})
    assert str(caught.value) == (
        "--batch-size 8 and --set  train.batch_size = 4 are the same setting: give one of them"
    )


def test_short_forms_are_settings(run: Run, ordered: Path, tmp_path: Path):
    out = tmp_path / "run"
    answer = run(
        *("train", "--model", "tiny", "--data", "ordered", "--root", ordered, "--out", out),
        *("--epochs", "1", "--batch-size", "20", "--lr", "0.5", "--seed", "7", "--workers", "0"),
        *("--set", "clip.size=16", "--set", "clip.resize=[24, 32]", "--set", "clip.num_frames=2"),
        *("--set", "test.protocol=1x1-center16", "--set", "train.warmup_epochs=2"),
    )
    assert answer.code == 0, answer.err
    assert "is not shorter than train.epochs=1: the warm-up is 0.1 epochs" in answer.out
    train = read_recipe(out / "recipe.yaml").train
    assert (train.epochs, train.batch_size, train.lr, train.seed) == (1, 20, 0.5, 7)
    assert read_recipe(out / "recipe.yaml").data.workers == 0
    answer = run(
        *("train", "--model", "tiny", "--data", "ordered", "--epochs", "2"),
        *("--set", "train.epochs=3"),
    )
    assert answer.code == 2
    assert "--epochs 2 and --set train.epochs=3 are the same setting" in answer.err
