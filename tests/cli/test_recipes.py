"""`gta recipes`: listed, printed, compared, and the commands of GTA_En."""

import json
import shlex
from pathlib import Path

import pytest
import typer

from gta.cli.main import app
from gta.recipes import find_recipe, read_recipe, shipped_recipes, write_recipe
from gta.recipes.ensembles import shipped_ensembles

from .conftest import Run


def test_all_are_listed(run: Run):
    answer = run("recipes")
    assert answer.code == 0
    told = answer.out.split()
    for data, models in shipped_recipes().items():
        assert all(f"{data}/{model}" in told for model in models)
    (line,) = [line for line in answer.out.splitlines() if "ssv1/r2d50_gta_16f" in line]
    assert [cell.strip() for cell in line.strip("│ \n").split("│")] == [
        "ssv1/r2d50_gta_16f",
        "R2D-50 with spatial attention, then Global Temporal Attention",
        "52.0 % top-1, 80.5 % top-5 (Table 5)",
        "16",
        "100.78",
    ]
    assert "GFLOPs: multiply-adds / 1e9 of one view of the test protocol" in answer.out


def test_those_of_one_data_set_as_json(run: Run):
    told = json.loads(run("recipes", "ssv2", "--json").out)["recipes"]
    assert [one["name"] for one in told] == [f"ssv2/{m}" for m in shipped_recipes()["ssv2"]]
    (one,) = [one for one in told if one["name"] == "ssv2/r2d50_gta_g4"]
    assert one == {
        "name": "ssv2/r2d50_gta_g4",
        "title": "R2D-50 with spatial attention, then GTA, 4 channel groups, 8 frames, SSv2.",
        "reproduces": "The paper reports this as one point of Figure 5, without a printed number; "
        "8 groups, r2d50_gta, give 63.5 % top-1.",
        "num_frames": 8,
        "gflops": 50.12,
    }


def test_one_in_full_is_a_recipe_file(run: Run, tmp_path: Path):
    answer = run("recipes", "k400/slowfast101_gta")
    assert answer.code == 0
    assert answer.out.startswith(
        "# SlowFast-R101 8x8 with three places of spatial attention and GTA in res4, "
        "Kinetics-400.\n#\n# The paper reports 79.8 % top-1, 94.1 % top-5 (Table 4); 137 GFLOPs"
    )
    parts = [
        *("family slowfast50", "family slowfast101", "family slowfast101_three"),
        *("schedule k400", "schedule k400_slowfast", "schedule k400_slowfast_tuned"),
    ]
    assert f"\n#\n# Made of {', '.join(parts)}.\n\nmodel:\n" in answer.out
    (tmp_path / "mine.yaml").write_text(answer.out)
    expected = read_recipe(find_recipe("k400", "slowfast101_gta"))
    assert read_recipe(tmp_path / "mine.yaml") == expected
    told = json.loads(run("recipes", "k400/slowfast101_gta", "--json").out)
    assert told["name"] == "k400/slowfast101_gta"
    assert told["parts"] == parts
    assert told["recipe"] == expected.model_dump(mode="json")


def test_what_two_have_different(run: Run):
    answer = run("recipes", "ssv2/r2d50_gta", "ssv2/r2d50_gta_g4")
    rows = [line.strip("│").split() for line in answer.out.splitlines() if line.startswith("│")]
    assert rows == [["model.blocks.1.groups", "│", "8", "│", "4"]]
    told = json.loads(run("recipes", "ssv2/r2d50", "ssv2/tsm50_gta", "--json").out)
    assert told["members"] == ["ssv2/r2d50", "ssv2/tsm50_gta"]
    found = {one.pop("setting"): one for one in told["differences"]}
    assert found["model.tsm"] == {"a": False, "b": True}
    assert found["model.placement.res3"] == {"b": [1, 3]}
    assert found["model.blocks"]["a"] == []
    assert found.keys() == {
        *("model.tsm", "model.blocks", "model.placement.res3", "model.placement.res4"),
    }


def test_a_setting_that_one_does_not_have(run: Run):
    answer = run("recipes", "ssv2/r2d50", "ssv2/slowfast50")
    assert answer.code == 0
    lines = {line.split()[1]: line.split()[2:] for line in answer.out.splitlines() if "│" in line}
    assert lines["model.alpha"] == ["│", "-", "│", "4", "│"]
    assert lines["model.tsm"] == ["│", "false", "│", "-", "│"]
    assert lines["clip.resize"] == ["│", "[240,", "320]", "│", "null", "│"]


def test_a_run_beside_its_recipe(run: Run, tmp_path: Path):
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), ["train.lr=0.5"])
    (tmp_path / "recipe.yaml").write_text(write_recipe(recipe))
    told = json.loads(run("recipes", "ordered/tiny_gta", tmp_path, "--json").out)
    assert told["differences"] == [{"setting": "train.lr", "a": 0.004, "b": 0.5}]
    assert run("recipes", tmp_path).out == write_recipe(recipe)
    same = run("recipes", tmp_path, tmp_path / "recipe.yaml")
    assert same.out == f"{tmp_path} and {tmp_path / 'recipe.yaml'} say the same\n"


@pytest.mark.parametrize("data", shipped_ensembles())
def test_the_commands_of_an_ensemble_can_be_run(run: Run, data: str):
    answer = run("recipes", "--ensemble", data, "--root", "/some data/here")
    assert answer.code == 0
    lines = [line for line in answer.out.splitlines() if line and not line.startswith("#")]
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in lines:
        gta, verb, *arguments = shlex.split(line)
        assert gta == "gta"
        verbs[verb].make_context(verb, arguments)  # parses, and refuses what it does not know
    assert [line.split()[1] for line in lines] == [
        *("train", "train", "test", "test", "ensemble", "test", "test", "ensemble")
    ]
    assert all("--protocol 3x2-full256" in line for line in lines[2:])
    assert all("--split test" in line for line in lines[5:])
    for line, frames in zip(lines[:2], (8, 16), strict=True):
        options = shlex.split(line)
        model, root = (options[options.index(o) + 1] for o in ("--model", "--root"))
        assert read_recipe(find_recipe(data, model)).clip.num_frames == frames
        assert root == "/some data/here"
    assert "(Table 5)" in answer.out
    assert "(Table 6)" in answer.out


def test_an_ensemble_as_json(run: Run):
    told = json.loads(run("recipes", "--ensemble", "ssv1", "--json").out)
    assert told["members"] == ["tsm50_gta", "tsm50_gta_16f"]
    assert told["test"] == "49.8 % top-1 (Table 6)"
    assert [len(step["commands"]) for step in told["steps"]] == [2, 3, 3]
    assert "--root DIR" in told["steps"][0]["commands"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ssv2/r2d50_gat"], "no recipe for model 'r2d50_gat' on ssv2. Did you mean 'r2d50_gta'?"),
        (["ssv3/r2d50"], "there is no recipe for data 'ssv3'. Did you mean 'ssv2'?"),
        (["families/r2d50"], "there is no recipe for data 'families'."),
        (
            ["r2d50_gta"],
            "'r2d50_gta' is no recipe: give data and model of a recipe of this package,",
        ),
        (["ssv2", "ssv1/r2d50"], "'ssv2' is no recipe: "),
        (["no.yaml"], "no.yaml: no such recipe file"),
        (["."], ". is not the folder of a run: no recipe.yaml in it"),
        (["a/b", "c/d", "e/f"], "two recipes can be compared, got 3: a/b, c/d, e/f"),
        (["--ensemble", "k400"], "there is no ensemble for data 'k400'. GTA_En is on ssv1, ssv2."),
        (["--ensemble", "ssv3"], "there is no ensemble for data 'ssv3'. Did you mean 'ssv2'?"),
        (["ssv2/r2d50", "--ensemble", "ssv2"], "give either --ensemble or names of recipes, not"),
        (["--root", "x"], "--root is for the commands of --ensemble"),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, monkeypatch, arguments: list[str], message: str):
    monkeypatch.chdir(tmp_path)
    answer = run("recipes", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert not answer.out
