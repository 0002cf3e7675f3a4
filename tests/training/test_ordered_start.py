from pathlib import Path

import pytest
import torch

from gta.config import Recipe, TrunkModel
from gta.errors import UsageError
from gta.pretrained import load_pretrained
from gta.progress import Silent
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.tensor_files import read_tensors, write_tensors
from gta.training import ordered_start as module
from gta.training import run as run_module
from gta.training.ordered_start import ordered_start, starting_recipe


@pytest.fixture
def recipe() -> Recipe:
    small = ["model.weights=ordered", "model.width=16", "clip.num_frames=4"]
    return read_recipe(find_recipe("folder", "tiny_gta"), small)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """What was trained; nothing is rendered."""
    monkeypatch.setattr(module, "render_dataset", lambda *args, **options: None)
    return []


def start(recipe: Recipe, folder: Path, trained: list[Recipe]) -> Path:
    def run(inner: Recipe, place: Path) -> None:
        place.mkdir()
        trained.append(inner)
        write_tensors(place / "last.safetensors", build_network(inner, 22).state_dict(), {})

    return ordered_start(recipe, run, Silent(), folder=folder)


def test_it_is_trained_once_for_each_network(recipe: Recipe, tmp_path: Path, trained: list[Recipe]):
    path = start(recipe, tmp_path, trained)
    assert start(recipe, tmp_path, trained) == path
    other = recipe.train.model_copy(update={"epochs": 3})  # of what is trained afterwards
    assert start(recipe.model_copy(update={"train": other}), tmp_path, trained) == path
    assert len(trained) == 1
    blocks = recipe.model.model_copy(update={"blocks": recipe.model.blocks[:1]})
    assert start(recipe.model_copy(update={"model": blocks}), tmp_path, trained) != path
    assert len(trained) == 2


def test_the_network_starts_from_it_but_for_its_classifier(
    recipe: Recipe, tmp_path: Path, trained: list[Recipe]
):
    path = start(recipe, tmp_path, trained)
    network = build_network(recipe, 4)
    named = recipe.model.model_copy(update={"weights": str(path)})
    report = load_pretrained(network, named)
    assert report is not None
    assert [key for key in report.fresh if not key.startswith("fc.")] == []
    assert torch.equal(network.state_dict()["conv1.weight"], read_tensors(path)[0]["conv1.weight"])


def test_how_it_is_trained(recipe: Recipe, tmp_path: Path):
    found = starting_recipe(recipe, tmp_path)
    assert (found.data.format, found.data.root) == ("ssv2", str(tmp_path))
    assert found.model.weights == "none"
    assert (found.clip.num_frames, found.clip.size) == (4, 64)
    assert found.train.epochs == read_recipe(find_recipe("ordered", "tiny")).train.epochs
    lite = read_recipe(find_recipe("folder", "lite0_gta"))
    head = starting_recipe(lite, tmp_path)
    assert isinstance(head.model, TrunkModel)
    assert (head.model.weights, head.clip.size) == ("imagenet", 160)


def test_an_interrupted_one_goes_on(recipe: Recipe, tmp_path: Path, trained: list[Recipe]):
    class Stopped(Exception):
        pass

    def stopped(inner: Recipe, place: Path) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        ordered_start(recipe, stopped, Silent(), folder=tmp_path)
    assert start(recipe, tmp_path, trained).is_file()


def test_several_processes(recipe: Recipe, tmp_path: Path, trained: list[Recipe], monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="run the command once without torchrun"):
        start(recipe, tmp_path, trained)


def test_gta_train_takes_it(
    ordered: Path, small_settings: list[str], tmp_path: Path, monkeypatch, trained: list[Recipe]
):
    settings = [*small_settings, "model.weights=ordered", f"data.root={ordered}", "train.epochs=1"]
    recipe = read_recipe(find_recipe("ordered", "tiny"), [*settings, "train.warmup_epochs=0"])
    path = start(recipe, tmp_path / "starts", trained)
    monkeypatch.setattr(run_module, "ordered_start", lambda *args: path)
    run_module.train(recipe, None, tmp_path / "run", device="cpu")
    log = (tmp_path / "run/log.txt").read_text()
    assert f"{path}: " in log
    assert (tmp_path / "run/recipe.yaml").read_text().count("weights: ordered") == 1
