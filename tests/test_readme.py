"""What the README says is true."""

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

from gta.recipes import find_recipe, shipped_recipes

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_the_two_commands_are_there_as_they_stand():
    lines = README.splitlines()
    assert "pip install -e . && gta quickstart" in lines
    assert 'pip install -e ".[test]" && pytest' in lines


def test_numbers_are_those_of_the_result_files(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    module = importlib.import_module("docs.write_numbers")
    assert module.with_numbers(README) == README


def test_the_figures_of_the_network_that_is_chosen():
    run = json.loads((ROOT / "docs/own_chosen.json").read_text())
    best = max(run["heads"].values(), key=lambda head: head["top1"])
    low, high = best["interval"]
    assert f"was {best['top1']:.1%}".replace("%", " %") in README
    assert f"({low:.0%} to {high:.0%})".replace("%", "") in README
    assert ("in two minutes;" in README) == (1.5 < run["seconds"] / 60 < 2.5)
    held_out = run["held_out"]
    assert f"{held_out['top1']:.1%} of the {held_out['videos']}".replace("%", " %") in README


def test_every_recipe_that_it_names_exists():
    commands = [
        shlex.split(line.split("-m ")[-1])
        for block in blocks("bash")
        for line in block.splitlines()
        if "--model" in line
    ]
    assert len(commands) >= 4
    for command in commands:
        model, data = (command[command.index(name) + 1] for name in ("--model", "--data"))
        assert find_recipe(data, model).is_file()
    for name in set(re.findall(r"`(?:--model )?(\w+_gta)`", README)):
        assert any(name in models for models in shipped_recipes().values())


def test_the_block_example_runs():
    (example,) = [code for code in blocks("python") if "gta.blocks" in code]
    exec(example, {})


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(((?!http)[^)]+)\)", README))))
def test_links_lead_somewhere(link: str):
    assert (ROOT / link).exists()
