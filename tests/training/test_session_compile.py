"""What a run that goes on takes from its recipe about how steps are computed."""

from pathlib import Path

import pytest
import torch
import yaml

from gta.recipes import find_recipe, read_recipe
from gta.training.processes import Processes
from gta.training.session import open_session

CPU = Processes(torch.device("cpu"))


def opened(folder: Path, *settings: str):
    recipe = read_recipe(
        find_recipe("ordered", "tiny_gta"), [f"data.root={folder / 'data'}", *settings]
    )
    with open_session(folder / "run", recipe, CPU) as session:
        return session.recipe


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder with a run as an earlier version began it: never compiled, and no word of graphs."""
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), [f"data.root={tmp_path / 'data'}"])
    tree = recipe.model_dump(mode="json")
    tree["train"]["compile"] = False
    del tree["train"]["cuda_graphs"]
    (tmp_path / "run").mkdir()
    (tmp_path / "run/recipe.yaml").write_text(yaml.safe_dump(tree))
    (tmp_path / "run/checkpoint.pt").touch()
    return tmp_path


def test_a_run_that_was_not_compiled_is_not_compiled_when_it_goes_on(begun: Path):
    train = opened(begun).train
    assert train.compile is False
    assert train.cuda_graphs is None


def test_how_steps_are_computed_may_change(begun: Path):
    assert opened(begun, "train.compile=true").train.compile is True
    assert opened(begun, "train.cuda_graphs=false").train.cuda_graphs is False


def test_a_new_run_decides_by_itself(tmp_path: Path):
    train = opened(tmp_path).train
    assert (train.compile, train.cuda_graphs) == (None, None)
