import shutil
from pathlib import Path

import pytest
import torch

from gta.errors import UsageError
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run, build_network

CLASSES = ["up", "down", "à côté"]


def new_run(folder: Path, *settings: str) -> Run:
    values = ["clip.num_frames=4", *settings]
    return Run.create(folder, read_recipe(find_recipe("ordered", "tiny_gta"), values), CLASSES)


def test_a_run_comes_back_as_it_was(tmp_path: Path):
    run = new_run(tmp_path / "run")
    torch.manual_seed(0)
    model = run.build()
    run.save_weights(model, "last", epoch=3)
    found = Run.open(tmp_path / "run")
    assert found == run
    loaded, weights = found.load()
    assert weights == "last.safetensors, epoch 3 of 4"
    assert not loaded.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)
    clip = torch.randn(1, 3, 4, 32, 32)
    assert torch.equal(loaded(clip), model.eval()(clip))


def test_best_weights_are_another_file(tmp_path: Path):
    run = new_run(tmp_path / "run")
    run.save_weights(run.build(), "last", epoch=4)
    run.save_weights(run.build(), "best", epoch=2)
    assert run.load(best=True)[1] == "best.safetensors, epoch 2 of 4"


def test_weights_can_be_read_by_others(tmp_path: Path):
    run = new_run(tmp_path / "run")
    run.save_weights(run.build(), "last", epoch=1)
    (tmp_path / "plain").touch()
    mode = (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "run/last.safetensors").stat().st_mode == mode


def test_folders_that_are_no_run(tmp_path: Path):
    with pytest.raises(UsageError, match=r"no does not exist: no recipe.yaml in it. Give the"):
        Run.open(tmp_path / "no")
    with pytest.raises(UsageError, match=r"is not the folder of a run: no recipe.yaml in it"):
        Run.open(tmp_path)
    shutil.copy(find_recipe("ordered", "tiny"), tmp_path / "recipe.yaml")
    with pytest.raises(UsageError, match=r"its labels.json cannot be read"):
        Run.open(tmp_path)


def test_weights_that_are_not_there_or_do_not_fit(tmp_path: Path):
    run = new_run(tmp_path / "run")
    with pytest.raises(UsageError, match=r"has no last.safetensors: its training has not finished"):
        run.load()
    run.save_weights(run.build(), "last", epoch=1)
    fewer = Run(run.folder, run.recipe, CLASSES[:2])
    with pytest.raises(
        UsageError, match=r"does not fit its recipe, 2 classes \(.*fc.*\). Were clip.num_frames"
    ):
        fewer.load()
    path = tmp_path / "run/last.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UsageError, match="does not fit its recipe"):
        run.load()


def test_a_model_that_cannot_be_built():
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), ["model.placement.res3=[3]"])
    with pytest.raises(
        UsageError, match="the recipe's model cannot be built: res3 has 1 residual blocks"
    ):
        build_network(recipe, 3)


def test_another_number_of_frames_on_request(tmp_path: Path):
    run = new_run(tmp_path / "run")
    run.save_weights(run.build(), "last", epoch=4)
    longer = run.at_frames(9)
    model, weights = longer.load()
    assert weights == "last.safetensors, epoch 4 of 4, resampled from 4 frames"
    assert model(torch.randn(1, 3, 9, 32, 32)).shape == (1, 3)
    assert longer.recipe.clip.num_frames == 9
    assert run.recipe.clip.num_frames == 4
    # of one still frame the model thinks the same
    still = torch.randn(1, 3, 1, 32, 32)
    short, _ = run.load()
    torch.testing.assert_close(
        model(still.expand(-1, -1, 9, -1, -1)), short(still.expand(-1, -1, 4, -1, -1))
    )


def test_another_number_of_frames_by_editing_the_recipe_alone(tmp_path: Path):
    run = new_run(tmp_path / "run")
    run.save_weights(run.build(), "last", epoch=4)
    edited = run.recipe.model_copy(update={"clip": run.at_frames(9).recipe.clip})
    with pytest.raises(UsageError, match=r"does not fit its recipe.*Were clip.num_frames"):
        Run(run.folder, edited, CLASSES).load()


@pytest.mark.parametrize(
    ("network", "place"),
    [
        ("timm/eva02_tiny_patch14_224", "blocks.3"),  # computes tensors that no file has
        ("torchvision/swin_t", "features.1"),
        ("timm/resnet10t", "layer2"),
    ],
)
@torch.no_grad()
def test_a_run_of_a_network_that_is_not_ours(tmp_path: Path, network: str, place: str):
    settings = [f"model.network={network}", f"model.at=[{place}]", "model.weights=none"]
    recipe = read_recipe(
        find_recipe("folder", "convnext_tiny_gta"), [*settings, "clip.num_frames=2"]
    )
    run = Run.create(tmp_path / "run", recipe, CLASSES)
    model = run.build().eval()
    run.save_weights(model, "last", epoch=1)
    loaded, _ = run.load()
    clips = torch.randn(1, 3, 2, 224, 224)
    assert torch.equal(loaded(clips), model(clips))
