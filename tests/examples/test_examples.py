"""The scripts of examples/, each with data small enough."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gta.backbones.weight_names import from_pyslowfast
from gta.data.decode import frames_in_order
from gta.data.videos import load_videos
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run, build_network

EXAMPLES = Path(__file__).parents[2] / "examples"
KEYS = Path(__file__).parents[1] / "backbones/keys/psf_SLOWFAST_16x8_R50_ssv2.json"
SMALL = (
    *("clip.size=32", "test.protocol=1x1-center32", "train.batch_size=4", "train.epochs=1"),
    *("train.warmup_epochs=0", "data.workers=0"),
)


@pytest.fixture
def example() -> Callable[[str], Callable]:
    """The `main` of a script."""

    def main(name: str) -> Callable:
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.main

    return main


@pytest.fixture(scope="module")
def folder(ordered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per class, ten clips each of two."""
    root = tmp_path_factory.mktemp("own")
    videos = load_videos("ssv2", ordered, "train")
    for label, name in enumerate(("up", "down")):
        (root / name).mkdir()
        for video in [video for video in videos.videos if video.label == label][:10]:
            shutil.copy(str(video.path), root / name)
    return root


def read_video(path: Path) -> list[float]:
    """The times of its frames."""
    return [frame.time for frame in frames_in_order(path)]


def test_all_of_them_are_here_and_in_the_list():
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    tests = {name.removeprefix("test_") for name in globals()}
    assert scripts <= tests
    listed = (EXAMPLES / "README.md").read_text()
    assert all(f"[{name}.py]({name}.py)" in listed for name in scripts)


def test_blocks_in_timm(example):
    pytest.importorskip("timm")
    assert example("blocks_in_timm")("resnet18", "layer3.1", 4, 32) < 10


def test_train_on_a_folder(example, folder: Path, tmp_path: Path):
    settings = (*SMALL, "clip.num_frames=4", "model.width=16")
    top1 = example("train_on_a_folder")(str(folder), str(tmp_path), "folder/tiny_gta", *settings)
    assert 0 <= top1 <= 1


def test_finetune_slowfast(example, folder: Path, tmp_path: Path):
    recipe = read_recipe(find_recipe("ssv2", "slowfast50"), ["model.width=8"])
    state = build_network(recipe, 400).state_dict()
    theirs = json.loads(KEYS.read_text())["keys"]
    tensors = {key: state[str(from_pyslowfast(key))] for key in theirs}
    torch.save({"epoch": 195, "model_state": tensors}, tmp_path / "SLOWFAST_tiny.pyth")
    given = (str(tmp_path / "SLOWFAST_tiny.pyth"), str(folder), str(tmp_path / "run"))
    settings = (*SMALL, "model.width=8", "clip.num_frames=8", "model.alpha=4")
    line = example("finetune_slowfast")(*given, *settings)
    assert "PySlowFast" in line


def test_frozen_features(example, folder: Path, tmp_path: Path):
    pytest.importorskip("timm")
    settings = (*SMALL, "model.weights=none", "clip.num_frames=4", f"data.features_dir={tmp_path}")
    accuracy = example("frozen_features")(str(folder), str(tmp_path / "runs"), *settings)
    assert set(accuracy) == {"mean", "attention"}


def test_predict(example, trained: Path, folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "new")
    (tmp_path / "new/up/damaged.mp4").write_bytes(b"no video")
    lines = [json.loads(line) for line in example("predict")(str(trained), str(tmp_path / "new"))]
    assert len(lines) == 21
    assert [Path(line["video"]).name for line in lines if "error" in line] == ["damaged.mp4"]


def test_stream(example, folder: Path, tmp_path: Path):
    settings = ["clip.size=32", "test.protocol=1x1-center32", "model.width=16"]
    recipe = read_recipe(find_recipe("ordered", "tiny_gta_causal"), settings)
    run = Run.create(tmp_path / "causal", recipe, ["up", "down"])
    run.save_weights(run.build(), "last", epoch=1)
    video = next((folder / "up").iterdir())
    said = example("stream")(str(run.folder), str(video))
    assert len(said) == len(read_video(video))
    assert set(said) <= {"up", "down"}


def test_draw_attention(example, trained: Path, folder: Path, tmp_path: Path):
    video = next((folder / "up").iterdir())
    overlay = example("draw_attention")(str(trained), str(video), str(tmp_path / "pictures"))
    assert len(read_video(overlay)) >= read_recipe(trained / "recipe.yaml").clip.num_frames


def test_search(example, trained: Path, folder: Path):
    video = next((folder / "down").iterdir())
    first, *others = example("search")(str(trained), str(folder), str(video), 3)
    assert first == str(video)
    assert len(others) == 2


def test_onnx_alone():
    """It runs where neither this package nor torch is: see `tests/export`."""
    assert "onnx_alone.py" in (Path(__file__).parents[1] / "export/test_export.py").read_text()


def test_ensemble(example, trained: Path, ordered: Path, tmp_path: Path):
    other = shutil.copytree(trained, tmp_path / "other")
    run = Run.open(other)
    run.save_weights(run.build(), "last", epoch=2)
    one, both = example("ensemble")(str(trained), str(other), str(ordered))
    assert 0 <= one <= 1
    assert 0 <= both <= 1
