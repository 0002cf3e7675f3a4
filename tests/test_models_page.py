"""docs/models.md: its tables are those that its script writes."""

import importlib
import re
from pathlib import Path

import pytest

from gta.recipes import shipped_recipes
from gta.recipes.shipped import SHIPPED, shipped_gflops

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/models.md").read_text(encoding="utf-8")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("docs.write_models")


@pytest.mark.slow
def test_its_tables_are_those_of_the_script(script):
    assert script.with_tables(PAGE) == PAGE


def test_listed_gflops_are_those_of_the_page(script):
    assert (SHIPPED / "gflops.yaml").read_text(encoding="utf-8") == script.gflops(PAGE)
    found = {data: sorted(models) for data, models in shipped_gflops().items()}
    assert found == shipped_recipes()


def test_every_recipe_is_in_it():
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    recipes = [name for names in shipped_recipes().values() for name in names]
    assert sorted(name for name in rows if name in recipes) == sorted(recipes)


def test_its_examples_run(monkeypatch):
    """But for the file that is loaded, which is not at hand."""
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(examples) == 2
    for example in examples:
        if "read_weights" in example:
            monkeypatch.setattr("gta.backbones.weights.read_weights", lambda path: None)
            monkeypatch.setattr("gta.backbones.weights.load_weights", lambda *a: "a report")
        exec(example, {})
