"""Every shipped recipe, and what `read_recipe` says to a mistake."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import torch

from gta.config import Block
from gta.errors import UsageError
from gta.models import BLOCKS, MODELS
from gta.recipes import (
    find_recipe,
    read_header,
    read_recipe,
    shipped_recipes,
    shipped_rows,
    write_recipe,
)
from gta.recipes.layers import merge, read_layers
from gta.runs import build_network

ALL = shipped_rows()
IDS = [f"{path.parent.name}/{path.stem}" for path in ALL]
each = pytest.mark.parametrize("path", ALL, ids=IDS)


def test_they_are_found():
    assert len(ALL) >= 77
    assert sum(map(len, shipped_recipes().values())) == len(ALL)


@each
def test_it_builds_and_gives_logits(path: Path):
    recipe = read_recipe(path)
    with torch.device("meta"):
        model = build_network(recipe, 7)
        clip = torch.empty(2, 3, recipe.clip.num_frames, recipe.clip.size, recipe.clip.size)
    assert model(clip).shape == (2, 7)


@each
def test_it_is_the_named_architecture(path: Path):
    found = read_recipe(path).model.model_copy(update={"weights": "none"})
    if hasattr(found, "causal_frames"):  # a number of frames, as that of the clip is
        found = found.model_copy(update={"causal_frames": None})
    name = path.stem.removesuffix("_16f")
    assert found == MODELS.get(f"{path.parent.name}_{name}", MODELS.get(name))


def test_every_named_architecture_can_be_reached_by_a_recipe():
    names = {path.stem for path in ALL} | {f"{path.parent.name}_{path.stem}" for path in ALL}
    assert MODELS.keys() - names == set()


@pytest.mark.parametrize(
    ("data", "models"),
    [  # rows of the paper's tables and points of Figure 5, as recipes
        ("ssv1", "r2d50 r2d50_nl r2d50_dnl r2d50_gta"),  # Table 1
        ("ssv1", "slowfast50 slowfast50_nl slowfast50_dnl slowfast50_gta"),
        ("ssv2", "r2d50 r2d50_nl r2d50_dnl r2d50_gta"),
        ("ssv2", "slowfast50 slowfast50_nl slowfast50_dnl slowfast50_gta"),
        ("ssv1", "r2d50_gta_pixel r2d50_gta_region r2d50_gta_g1"),  # Table 2a
        ("ssv1", "r2d50_gta_pixel_g1 r2d50_gta_region_g1"),
        ("ssv1", "r2d50_sa r2d50_ta r2d50_tape"),  # Table 2b
        ("ssv1", "r2d50_gta_res3 r2d50_gta_res4 r2d50_gta_res5 r2d50_gta_res3_res4"),  # Table 2c
        ("ssv1", "r2d50_cgnl r2d50_gc r2d50_glore"),  # Table 3
        ("ssv1", "r2d50_cgnl_decoupled r2d50_gc_decoupled r2d50_glore_decoupled"),
        ("k400", "r2d50_nl r2d50_gta slowfast101 slowfast101_nl slowfast101_gta"),  # Table 4
        ("ssv1", "r2d50_gta_16f tsm50_gta tsm50_gta_16f"),  # Table 5
        ("ssv2", "r2d50_gta_16f tsm50_gta tsm50_gta_16f"),
        ("ssv1", "r2d50_tape_alone r2d50_tape_alone_g8 r2d50_tape_g8"),  # Table 7
        ("ssv1", "r2d50_gta_pixel_alone r2d50_gta_pixel_alone_g1"),
        ("ssv1", "r2d50_gta_g1 r2d50_gta_g2 r2d50_gta_g4 r2d50_gta_g16 r2d50_gta_g32"),  # Figure 5
        ("ssv2", "r2d50_gta_g1 r2d50_gta_g2 r2d50_gta_g4 r2d50_gta_g16 r2d50_gta_g32"),
    ],
)
def test_the_papers_rows_have_recipes(data: str, models: str):
    assert set(models.split()) <= set(shipped_recipes()[data])


@each
def test_its_header_says_what_it_reproduces(path: Path):
    header = read_header(path)
    reproduces = ("The paper reports", "Reproduces nothing of the paper", "Table 1 of the paper")
    assert any(words in header.reproduces for words in reproduces)
    assert header.title.endswith(".")


@each
def test_it_is_complete(path: Path):
    """What matters is written down, not left to defaults that may change."""
    content = merge(read_layers(path))
    assert content.keys() == {"model", "clip", "augment", "train", "test", "data"}
    assert content["model"].keys() >= {"backbone", "blocks", "weights"}
    if content["model"]["backbone"] not in ("frame_wise", "trunk"):
        assert content["model"].keys() >= {"depth", "width", "dropout"}
    assert content["clip"].keys() >= {"num_frames", "size", "resize"}
    more = {"mixup", "views"} if content["model"]["backbone"] == "trunk" else set()
    assert content["augment"].keys() in ({"scales", "flip"} | more, {"scale_jitter", "flip"})
    assert content["train"].keys() >= {
        *("epochs", "batch_size", "optimizer", "lr", "schedule", "warmup_epochs"),
        *("weight_decay", "matrix_weight_decay", "label_smoothing", "clip_norm"),
    }


@each
def test_it_survives_writing_and_reading(path: Path, tmp_path: Path):
    recipe = read_recipe(path)
    (tmp_path / "r.yaml").write_text(write_recipe(recipe))
    assert read_recipe(tmp_path / "r.yaml") == recipe


@pytest.mark.parametrize(
    "root",
    [
        "off",
        "1e3",
        "a: b # c",
        "a\nb",
        "\udce9\x1b",
        "{x}",
        "word " * 50,
        "",
        "null",
        "ü/日本",
        "'\"",
    ],
)
def test_any_path_survives_writing_and_reading(tmp_path: Path, root: str):
    before = read_recipe(find_recipe("ordered", "tiny"))
    recipe = before.model_copy(update={"data": before.data.model_copy(update={"root": root})})
    text = write_recipe(recipe)
    assert "\ntrain:\n  epochs: 4\n" in text  # a line for each setting
    (tmp_path / "r.yaml").write_text(text)
    assert read_recipe(tmp_path / "r.yaml") == recipe


@pytest.mark.parametrize("config", get_args(get_args(Block)[0]), ids=lambda c: c.__name__)
def test_options_and_defaults_of_a_block_are_those_of_its_class(config: type):
    fields = {n: f.default for n, f in config.model_fields.items() if n not in ("block", "along")}
    tag = get_args(config.model_fields["block"].annotation)[0]
    parameters = inspect.signature(BLOCKS[tag]).parameters
    options = {
        name: parameter.default
        for name, parameter in parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        and name != "causal"  # which a recipe says of the whole network
    }
    assert fields == options


def test_every_block_has_a_place_in_recipes():
    tags = {get_args(c.model_fields["block"].annotation)[0] for c in get_args(get_args(Block)[0])}
    assert tags == BLOCKS.keys()


def read(*settings: str):
    return read_recipe(find_recipe("ssv2", "r2d50_gta"), settings)


def test_settings_override_values():
    recipe = read(
        *(
            "train.lr=1e-2",
            "train.milestones=[5, 6]",
            "clip.resize=null",
            "model.blocks.1.groups=4",
        ),
        *("model.placement.res2=[0]", "data.root=/some where/a=b", "train.clip_norm=null"),
        "augment.flip=off",
    )
    assert recipe.train.lr == 0.01
    assert recipe.train.milestones == (5, 6)
    assert recipe.clip.resize is None
    assert recipe.model.blocks[1].model_dump()["groups"] == 4
    assert recipe.model.placement == {"res3": (1, 3), "res4": (1, 3, 5), "res2": (0,)}
    assert recipe.data.root == "/some where/a=b"
    assert recipe.train.clip_norm is None
    assert recipe.augment.flip == "off"


def test_scalars_are_those_of_yaml_1_2(tmp_path: Path):
    text = write_recipe(read())
    path = tmp_path / "r.yaml"
    path.write_text(text.replace("flip: skip", "flip: off").replace("lr: 0.01", "lr: 1e-2"))
    recipe = read_recipe(path)
    assert recipe.augment.flip == "off"
    assert recipe.train.lr == 0.01
    path.write_text(write_recipe(recipe))
    assert read_recipe(path) == recipe


def test_blocks_are_replaced_as_a_whole():
    recipe = read("model.blocks=[{block: tape, groups: 2}]")
    assert [block.block for block in recipe.model.blocks] == ["tape"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.lrr=1", r"there is no 'lrr' in train. Did you mean 'train.lr'\? Names: epochs, "),
        ("trian.lr=1", r"there is no 'trian'. Did you mean 'train.lr'\? Names: model, clip, "),
        ("trian.lx=1", r"there is no 'trian'. Names: .*, data. --set help lists what is in them."),
        ("epochs=3", r"there is no 'epochs'. Did you mean 'train.epochs'\? Names: model, "),
        ("epoch=3", r"there is no 'epoch'. Did you mean 'train.epochs'\?"),
        ("batch-size=3", r"Did you mean 'train.batch_size' or 'test.batch_size'\?"),
        ("train.learning_rate=1", r"no 'learning_rate' in train. Did you mean 'train.lr'\?"),
        ("optim.lr=1", r"there is no 'optim'. Did you mean 'train.lr'\?"),
        ("train.num_workers=1", r"no 'num_workers' in train. Did you mean 'data.workers'\?"),
        ("train.dropout=0", r"there is no 'dropout' in train. Did you mean 'model.dropout'\?"),
        ("groups=4", r"there is no 'groups'. Did you mean 'model.blocks.1.groups'\?"),
        ("train.lr.x=1", r"there is no 'x' in train.lr. Names: none"),
        (
            "model.blocks.1.group=4",
            r"no 'group' in model.blocks.1. Did you mean 'model.blocks.1.groups'\?",
        ),
        ("model.blocks.7.groups=4", r"'7' in model.blocks. Did you mean .* Names: 0, 1."),
        ("train.lr", r"--set train.lr: expected name=value, such as --set train.lr=0.01"),
        ("clip.resize=[", r"'\[' is not YAML"),
        ("train.epochs=-3", r"train.epochs: input should be greater than 0, got -3"),
        ("train.epochs=soon", r"train.epochs: input should be a valid integer.*got 'soon'"),
        ("train.optimizer=adam", r"train.optimizer: input should be 'sgd' or 'adamw', got 'adam'"),
        ("model.depth=51", r"model.depth: input should be 10, 18, 34, 50 or 101, got 51"),
        ("model.dpeth=18", r"there is no 'dpeth' in model. Did you mean 'model.depth'\?"),
        ("model.backbone=slowfast", r"model: .*'slowfast'.*'frame_resnet', 'slow_fast', 'frame_w"),
        (
            "model.backbone=slow_fast",
            r"model.tsm: no such name. Names: .*alpha, beta_inv, fus",
        ),
        (
            "augment.scale_jitter=[200, 256]",
            r"augment.scale_jitter=\[200, 256\] must ascend from clip.size=224",
        ),
        ("augment.scale_jitter=[320, 256]", r"augment.scale_jitter=\[320, 256\] must ascend"),
        ("model.blocks=[{block: gat}]", r"model.blocks.0: .*'gat'.*'gta'"),
        (
            "model.blocks=[{block: gta, group: 3}]",
            r"no such name. Did you mean 'model.blocks.0.groups'",
        ),
        ("model.placement.res9=[1]", r"model.placement.res9.*'res2', 'res3', 'res4' or 'res5'"),
        ("model.placement.res9.1=1", r"there is no 'res9' in model.placement.* Names: res3, res4"),
        ("test.protocol=1x1", r"'1x1' is not an evaluation protocol. Its form is"),
        ("clip.resize=100", r"clip.resize=100 is smaller than the clip, clip.size=224"),
        ("train.milestones=[3, 2]", r"train.milestones=\[3, 2\] must be in ascending order"),
        ("train.lr=.inf", r"train.lr: input should be a finite number"),
        (
            "model.causal_frames=4",
            r"causal_frames=4 is for networks for streams: set model.causal=t",
        ),
        ("train.seed=-1", r"train.seed: input should be greater than or equal to 0, got -1"),
    ],
)
def test_mistakes_in_settings(setting: str, message: str):
    with pytest.raises(UsageError, match=message):
        read(setting)


def test_no_causal_network_sees_further_back_than_its_clips():
    with pytest.raises(UsageError, match=r"causal_frames=9 is more than clips have, .*frames=8"):
        read("model.causal=true", "model.causal_frames=9")
    assert read("model.causal=true", "model.causal_frames=8").model.causal


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("just text", "is not a recipe: its sections are model, clip, augment, train, test, data"),
        ("a: [", "cannot be read as a recipe"),
        ("!!python/object/apply:os.system [false]", "cannot be read as a recipe"),
        (
            "model: {}",
            r"be run\n  model: 'backbone' is missing\n  clip: is missing\n  augment: is m",
        ),
        ("modle: {}", r"modle: no such name. Did you mean 'model'\?"),
        ("familly: r2d50", r"familly: no such name. Did you mean 'family'\?"),
        ("epochs: 3", r"epochs: no such name. Did you mean 'train.epochs'\? Names: model, clip, "),
        ("data: {lr: 3}", r"data.lr: no such name. Did you mean 'train.lr'\?"),
    ],
)
def test_mistakes_in_files(tmp_path: Path, content: str, message: str):
    path = tmp_path / "r.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        read_recipe(path)


def test_recipes_need_no_torch():
    code = (
        "import sys, gta.recipes as r; r.read_recipe(r.find_recipe('ssv2', 'r2d50_gta'));"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "av"} & set(done.stdout.split())
