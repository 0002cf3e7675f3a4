"""`--blocks`, `--freeze` and networks by the names of other libraries."""

from pathlib import Path

import pytest

from gta.cli.any_network import changed_recipe, named_blocks, network_recipe
from gta.config import FrameWiseModel, TrunkModel
from gta.recipes import find_recipe, read_recipe

from .conftest import Run


def test_blocks_go_to_the_ends_of_stages_and_it_is_said(capsys: pytest.CaptureFixture):
    found = network_recipe("torchvision/resnet18", "folder", "sa,gta", (), freeze=False)
    assert isinstance(found.model, FrameWiseModel)
    assert found.model.at == ("layer2", "layer3", "layer4")
    assert [block.block for block in found.model.blocks] == ["sa", "gta"]
    assert capsys.readouterr().out == (
        "blocks sa,gta after layer2 (stride 8), layer3 (stride 16), layer4 (stride 32); others: "
        "--set model.at=[...]\n"
    )
    assert found.clip.mean == (0.485, 0.456, 0.406)


def test_told_otherwise(capsys: pytest.CaptureFixture):
    told = ["model.at=[layer1.0]"]
    found = network_recipe("torchvision/resnet18", "folder", "gta", told, freeze=False)
    assert isinstance(found.model, FrameWiseModel)
    assert found.model.at == ("layer1.0",)
    assert not capsys.readouterr().out


def test_the_networks_own_mean_and_deviation():
    pytest.importorskip("timm")
    found = network_recipe("timm/tf_efficientnet_lite0", "folder", None, (), freeze=True)
    assert found.clip.mean == found.clip.std == (0.5, 0.5, 0.5)
    assert isinstance(found.model, TrunkModel)
    assert found.model.after == "blocks.6"
    assert found.train.freeze
    assert found.train.lr == 0.001


def test_blocks_of_a_recipe():
    recipe = read_recipe(find_recipe("folder", "lite0_gta"))
    found = changed_recipe(recipe, "sa,tape", ["train.lr=0.002"], freeze=True)
    assert [block.block for block in found.model.blocks] == ["sa", "tape"]
    assert found.train.lr == 0.002  # what was asked for comes last
    assert not changed_recipe(recipe, "none", (), freeze=False).model.blocks
    assert not named_blocks("none")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--model", "lite0", "--blocks", "sa,gtb"],
            "--blocks sa,gtb: there is no block 'gtb'. Did you mean 'gta'? Blocks: nl, sa, ta,",
        ),
        (["--model", "r2d18", "--blocks", "sa"], "--blocks sa: this recipe has no places for bloc"),
        (
            ["--model", "r2d18_gta", "--freeze"],
            "train.freeze is for a head over a trunk, model.backbone=trunk, and this is frame_resn",
        ),
        (
            ["--model", "lite0", "--freeze", "--dry-run"],
            "--dry-run measures steps on videos, and with --freeze each video is looked at once",
        ),
        (
            ["--model", "keras/x"],
            "there is no network 'keras/x': names are lite0, lite1, lite2, ti",
        ),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, words: list[str], told: str):
    answer = run("train", "--data", "folder", "--root", tmp_path, *words)
    assert answer.code == 2
    assert told in " ".join(answer.err.split())
