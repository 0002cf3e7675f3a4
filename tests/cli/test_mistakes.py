"""Every mistake gets one clear message, no traceback, and a non-zero exit code."""

import json
import shutil
from pathlib import Path

import pytest

from .conftest import Run


def small(settings: list[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


ORDERED = ("train", "--model", "tiny_gta", "--data", "ordered")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trian"], 2, "No such command 'trian'"),
        (["train", "--modle", "r2d50"], 2, "No such option: --modle"),
        (["train"], 2, "which recipe? Give --model and --data"),
        (["train", "--model", "r2d50_gta"], 2, "which recipe? Give --model and --data"),
        (
            ["train", "--model", "r2d50_gat", "--data", "ssv2"],
            2,
            "there is no recipe for model 'r2d50_gat' on ssv2. Did you mean 'r2d50_gta'? "
            "Models on ssv2: r2d50, ",
        ),
        (
            ["train", "--model", "r2d50_gta", "--data", "ssv3"],
            2,
            "there is no recipe for data 'ssv3'. Did you mean 'ssv2'? Data: folder, k400, ",
        ),
        (["train", "--recipe", "no.yaml"], 2, "no.yaml: no such recipe file"),
        (
            ["train", "--recipe", "no.yaml", "--model", "r2d50"],
            2,
            "give either --recipe or --model with --data, not both",
        ),
        (
            [*ORDERED, "--set", "train.epoch=1"],
            2,
            "--set train.epoch=1: there is no 'epoch' in train. Did you mean 'train.epochs'?",
        ),
        ([*ORDERED, "--set", "train.lr"], 2, "--set train.lr: expected name=value"),
        (
            [*ORDERED, "--set", "train.epochs=many"],
            2,
            "train.epochs: input should be a valid integer",
        ),
        (
            [*ORDERED, "--set", "test.protocol=center"],
            2,
            "'center' is not an evaluation protocol. Its form is crops x clips",
        ),
        (
            [
                "cost",
                "--model",
                "tiny_gta",
                "--data",
                "ordered",
                "--set",
                "model.blocks.1.groups=5",
            ],
            2,
            "the recipe's model cannot be built: ",
        ),
        ([*ORDERED, "--epochs", "-1"], 2, "gta: train.epochs=-1: not a recipe that can be run"),
        (["train", "--model", "help", "--data", "ssv9"], 2, "there is no recipe for data 'ssv9'"),
        (["test", "nowhere", "--workers", "-1"], 2, "Invalid value for '--workers'"),
        (["cost"], 2, "which recipe? Give --model and --data"),
        (["cost", "run", "--model", "tiny"], 2, "give one of: a run, a recipe, --paper"),
        (["cost", "--paper", "--model", "tiny"], 2, "give one of: a run, a recipe, --paper"),
        (
            ["cost", "--model", "tiny", "--data", "ordered", "--clip", "8x64"],
            2,
            "--clip 8x64: expected frames x height x width, such as --clip 8x224x224",
        ),
        (
            ["convert", "no.pyth", "--model", "slowfast50", "--data", "k400"],
            2,
            "no.pyth: no such weights file",
        ),
        (["test", "nowhere"], 2, "nowhere does not exist: no recipe.yaml in it. Give the folder"),
        (["predict", "nowhere", "x.mp4"], 2, "nowhere does not exist: no recipe.yaml in it"),
        (["predict", "nowhere"], 2, "which videos? Give files, folders, - for standard input"),
        (["render", "x", "--layout", "ssv3"], 2, "'ssv3' is not a layout. Did you mean 'ssv2'?"),
        (["render", "x", "--classes", "left_to_rihgt,up"], 2, "left_to_rihgt"),
        (
            ["render", "x", "--frames", "3"],
            2,
            "Clips of 3 frames are too short to show an event; use 8",
        ),
        (
            ["render", "x", "--train", "many"],
            2,
            "Invalid value for '--train'",
        ),
    ],
)
def test_usage(run: Run, tmp_path: Path, monkeypatch, arguments: list[str], code, message: str):
    monkeypatch.chdir(tmp_path)
    answer = run(*arguments)
    assert answer.code == code
    assert message in " ".join(answer.err.replace("│", " ").split())
    assert "Traceback" not in answer.err
    assert not list(tmp_path.iterdir())


def test_a_missing_data_folder(run: Run, tmp_path: Path):
    answer = run(*ORDERED, "--root", tmp_path / "no", "--out", tmp_path / "run")
    assert answer.code == 3
    assert f"The data folder {tmp_path / 'no'} does not exist" in answer.err


def test_no_data_folder(run: Run, tmp_path: Path):
    answer = run(*ORDERED, "--out", tmp_path / "run")
    assert answer.code == 2
    assert "which videos? Give the folder of the data set: --root DIR" in answer.err


def test_a_folder_that_is_no_data_set(run: Run, tmp_path: Path):
    (tmp_path / "data").mkdir()
    answer = run(*ORDERED, "--root", tmp_path / "data", "--out", tmp_path / "run")
    assert answer.code == 3
    assert "No labels file of Something-Something v2 under" in answer.err
    assert "labels/labels.json" in answer.err


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no folders. Put the videos of each class into a folder"),
        (["a/1.mp4", "b/notes.txt"], "No video in 1 class folder of"),
        (["a/1.mp4"], "has only one class, 'a'; a classifier needs two or more"),
        (["train/a/1.mp4", "train/b/1.mp4"], "has train/ but none of val/, validation/, test/"),
        (
            ["train/a/1.mp4", "train/b/1.mp4", "val/a/1.mp4", "val/c/1.mp4"],
            "differ between its splits: only in train/: b, only in val/: c",
        ),
    ],
)
def test_folders_of_own_videos(run: Run, tmp_path: Path, files: list[str], message: str):
    root = tmp_path / "my_videos"
    root.mkdir()
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    answer = run(
        *("train", "--model", "tiny_gta", "--data", "folder"),
        *("--root", root, "--out", tmp_path / "run"),
    )
    assert answer.code == 3
    assert message in answer.err


def test_own_videos_that_cannot_be_read(run: Run, tmp_path: Path):
    for name in ("a/1.mp4", "a/2.mp4", "b/1.mp4", "b/2.mp4"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text("this is a text file")
    answer = run(
        *("train", "--model", "tiny_gta", "--data", "folder"),
        *("--root", tmp_path / "data", "--out", tmp_path / "run", "--set", "data.workers=0"),
    )
    assert answer.code == 3
    assert "10 training videos in a row cannot be read; the first is" in answer.err
    assert "not a video that FFmpeg knows (is it a text file?)" in answer.err


def test_a_device_that_is_not_there(run: Run, trained: Path):
    answer = run("predict", trained, "x.mp4", "--device", "cuda:99")
    assert answer.code == 2
    assert "device 'cuda:99' cannot be used here" in answer.err
    assert "use auto, cpu, cuda or cuda:1" in answer.err


def test_a_folder_that_holds_something_else(run: Run, tmp_path: Path, ordered: Path):
    (tmp_path / "thesis.tex").touch()
    answer = run(*ORDERED, "--root", ordered, "--out", tmp_path)
    assert answer.code == 2
    assert "holds other files; give a new folder for the run" in answer.err
    answer = run(*ORDERED, "--root", ordered, "--out", tmp_path / "thesis.tex")
    assert answer.code == 2
    assert "is a file; give a folder" in answer.err


def test_another_recipe_in_the_folder_of_a_run(
    run: Run, trained: Path, ordered: Path, small_settings
):
    answer = run(
        *(*ORDERED, "--root", ordered, "--out", trained, *small(small_settings)),
        *("--set", "train.lr=0.5", "--set", "train.seed=3"),
    )
    assert answer.code == 2
    assert "holds a run of another recipe: train.lr was 0.004, now 0.5; train.seed" in answer.err


def test_a_run_that_never_began_may_be_begun_otherwise(
    run: Run, ordered: Path, small_settings, tmp_path: Path
):
    command = [*ORDERED, "--root", ordered, "--out", tmp_path / "run", *small(small_settings)]
    answer = run(*command, "--set", "model.weights=/no/such/file.pth")
    assert answer.code == 2
    assert "/no/such/file.pth: no such" in answer.err
    answer = run(*command, "--set", "train.lr=1e30", "--set", "train.clip_norm=null")
    assert answer.code == 2
    assert "training has diverged" in answer.err
    assert run(*command).code == 0


def test_a_trained_run_without_its_checkpoint_is_not_overwritten(
    run: Run, trained: Path, ordered: Path, small_settings, tmp_path: Path
):
    shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    answer = run(*(*ORDERED, "--root", ordered, "--out", tmp_path / "run", *small(small_settings)))
    assert answer.code == 2
    assert (
        f"{tmp_path / 'run'} holds a trained run without the checkpoints that are needed to "
        f"resume: give another --out to train from the start, with --weights "
        f"{tmp_path / 'run/last.safetensors'} from the last epoch's weights"
    ) in answer.err


@pytest.mark.parametrize("kept", [(), ("best.safetensors",), ("best", "last.safetensors")])
def test_a_run_killed_before_its_first_checkpoint_goes_on(
    run: Run, trained: Path, ordered: Path, small_settings, tmp_path: Path, kept
):
    for name in ("recipe.yaml", "labels.json", "log.txt", "environment.json", ".lock", *kept):
        if (trained / name).exists():
            (tmp_path / "run").mkdir(exist_ok=True)
            shutil.copy(trained / name, tmp_path / "run" / name)
    (tmp_path / "run/.last.part.safetensors").write_bytes(b"half")
    answer = run(*ORDERED, "--root", ordered, "--out", tmp_path / "run", *small(small_settings))
    assert answer.code == 0, answer.err
    assert (tmp_path / "run/last.safetensors").read_bytes() == (
        trained / "last.safetensors"
    ).read_bytes()


def test_other_videos_in_the_folder_of_a_run(
    run: Run, trained: Path, ordered: Path, small_settings, tmp_path: Path
):
    for name in ("labels", "20bn-something-something-v2"):
        shutil.copytree(ordered / name, tmp_path / "data" / name)
    rows = tmp_path / "data/labels/train.json"
    rows.write_text(json.dumps(json.loads(rows.read_text())[:-1]))
    answer = run(*ORDERED, "--root", tmp_path / "data", "--out", trained, *small(small_settings))
    assert answer.code == 2
    assert "the videos or classes are not those with which" in answer.err


def test_a_run_made_for_other_classes(run: Run, trained: Path, ordered: Path, tmp_path: Path):
    shutil.copytree(ordered / "labels", tmp_path / "labels")
    (tmp_path / "20bn-something-something-v2").symlink_to(ordered / "20bn-something-something-v2")
    labels = tmp_path / "labels/labels.json"
    text = labels.read_text().replace("Moving something up", "Lifting something")
    labels.write_text(text)
    for name in ("train", "validation"):
        rows = tmp_path / f"labels/{name}.json"
        rows.write_text(rows.read_text().replace("Moving [something] up", "Lifting [something]"))
    answer = run("test", trained, "--root", tmp_path)
    assert answer.code == 3
    assert "was trained for other classes than those of" in answer.err
    assert "only in the run (4 classes): 'Moving something up'" in answer.err
    assert "only in the data (4 classes): 'Lifting something'" in answer.err


def test_a_run_whose_frame_count_was_changed(run: Run, trained: Path, tmp_path: Path):
    changed = tmp_path / "run"
    shutil.copytree(trained, changed)
    recipe = (changed / "recipe.yaml").read_text()
    assert "num_frames: 4" in recipe
    (changed / "recipe.yaml").write_text(recipe.replace("num_frames: 4", "num_frames: 6"))
    answer = run("predict", changed, "x.mp4")
    assert answer.code == 2
    assert "last.safetensors does not fit its recipe" in answer.err
    assert "num_frames" in answer.err


def test_a_run_without_weights(run: Run, trained: Path, tmp_path: Path):
    for name in ("recipe.yaml", "labels.json"):
        shutil.copy(trained / name, tmp_path / name)
    answer = run("test", tmp_path)
    assert answer.code == 2
    assert "has no last.safetensors: its training has not finished an epoch yet" in answer.err


def test_a_setting_without_its_option(run: Run):
    answer = run("train", "--model", "tiny_gta", "--data", "folder", "epochs=3")
    assert answer.code == 2
    assert "epochs=3 is a setting of the recipe; give it as --set train.epochs=3" in answer.err
