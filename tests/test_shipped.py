"""The network that is in the package."""

import json
from pathlib import Path

import pytest

import gta
from gta import shipped
from gta.ordered import CLASSES, render_dataset
from gta.progress import Silent
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run
from gta.training.ordered_start import ordered_start

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A clip of each class that it has not seen."""
    return render_dataset(tmp_path / "clips", num_train=22, num_val=22, seed=1).root


def test_its_card_says_what_it_is():
    card = json.loads((shipped.FOLDER / "card.json").read_text(encoding="utf-8"))
    run = Run.open(shipped.NAME)
    model, weights = run.load()
    assert card["parameters"] == sum(p.numel() for p in model.parameters())
    assert card["classes"] == len(run.classes) == len(CLASSES)
    assert card["held_out"] == json.loads(
        (ROOT / "experiments/results/start.json").read_text(encoding="utf-8")
    )
    assert card["held_out"]["interval"][0] > card["held_out"]["order_blind_ceiling"]
    assert weights == "last.safetensors, epoch 4 of 4"
    assert sum(path.stat().st_size for path in shipped.FOLDER.iterdir()) < 2_000_000
    assert run.recipe.data.root is None
    assert card["made_by"].split()[-1].replace(".", "/") + ".py" in {
        str(path.relative_to(ROOT)) for path in (ROOT / "experiments").glob("*.py")
    }


def test_it_predicts_clips_that_are_made_now(clips: Path):
    predictor = gta.load("ordered", device="cpu")
    labels = json.loads((clips / "labels/validation.json").read_text())
    right = 0
    for row in labels:
        found = predictor(clips / f"20bn-something-something-v2/{row['id']}.webm")
        right += found.label == row["template"].replace("[", "").replace("]", "")
    assert right >= 11  # of 22 classes, where guessing has one


def test_the_same_network_starts_from_it_without_training():
    def never(*arguments):
        raise AssertionError("nothing is trained")

    beside = ["train.checkpoint_minutes=7", "data.workers=3"]  # nothing is learned otherwise
    for data, settings in (("folder", []), ("ordered", []), ("folder", beside)):
        recipe = read_recipe(find_recipe(data, "tiny_gta"), ["model.weights=ordered", *settings])
        found = ordered_start(recipe, never, Silent())
        assert found == shipped.FOLDER / "last.safetensors"
    other = read_recipe(
        find_recipe("folder", "tiny_gta"), ["model.weights=ordered", "clip.num_frames=4"]
    )
    with pytest.raises(AssertionError, match="nothing is trained"):
        ordered_start(other, lambda *_: never(), Silent(), folder=Path("/nowhere"))


def test_a_folder_of_that_name_is_taken_before_it(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Run.open("ordered").folder == shipped.FOLDER
    (tmp_path / "ordered").mkdir()
    with pytest.raises(gta.errors.UsageError, match="ordered is not the folder of a run"):
        Run.open("ordered")
