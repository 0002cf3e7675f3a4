"""`gta train`: what it says at its end, what it leaves behind, and runs that are made longer."""

import shutil
from pathlib import Path
from shlex import quote

import pytest
import torch
from safetensors.torch import load_file

from .conftest import Run
from .test_mistakes import ORDERED, small


def copy_without(root: Path, source: Path, damaged: tuple[int, ...]) -> Path:
    """The data set with links for videos, some of which are empty files."""
    videos = root / "20bn-something-something-v2"
    videos.mkdir(parents=True)
    (root / "labels").symlink_to(source / "labels")
    for video in (source / videos.name).iterdir():
        if int(video.stem) in damaged:
            (videos / video.name).touch()
        else:
            (videos / video.name).symlink_to(video)
    return root


def test_the_end_tells_of_how_many_videos_the_figures_are(
    run: Run, ordered: Path, small_settings, tmp_path: Path
):
    root, out = copy_without(tmp_path / "data", ordered, (42, 45)), tmp_path / "run"
    answer = run(*ORDERED, "--root", root, "--out", out, *small(small_settings))
    assert answer.code == 0, answer.err
    words = " ".join(answer.out.split())
    assert "on 10 of 12 validation videos; 2 could not be read and are not scored" in words
    assert "top-5" not in words  # of four classes
    for number in (42, 45):
        line = f"validation video that cannot be read: {root}/20bn-something-something-v2/{number}"
        assert answer.out.count(line) == 1  # not in each epoch
        assert line in (out / "log.txt").read_text()


def test_frames_in_memory_are_told_of_their_split(
    run: Run, ordered: Path, small_settings, tmp_path: Path
):
    few = ["--set", "data.cache_gb=0.0001", "--set", "data.workers=0"]
    answer = run(*ORDERED, "--root", ordered, "--out", tmp_path, *small(small_settings), *few)
    assert " of 40 training videos are kept in memory" in answer.out
    assert " of 12 validation videos are kept in memory" in answer.out


@pytest.fixture(scope="module")
def finished(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(trained, tmp_path_factory.mktemp("finished") / "a run")


def test_a_finished_run_says_so(run: Run, finished: Path, ordered: Path, small_settings):
    answer = run(*ORDERED, "--root", ordered, "--out", finished, *small(small_settings))
    assert answer.code == 0
    assert (
        f"{finished} is finished: 2 of 2 epochs. To train it longer, the same command with --set "
        f"train.epochs=4; to begin another run with what it has learned, --weights "
        f"{finished / 'last.safetensors'} and another --out\nNext: gta test {quote(str(finished))} "
    ) in answer.out


def test_a_run_is_not_made_shorter(run: Run, finished: Path, ordered: Path, small_settings):
    command = [*ORDERED, "--root", ordered, "--out", finished, *small(small_settings)]
    answer = run(*command, "--set", "train.epochs=1", "--set", "train.warmup_epochs=0")
    assert answer.code == 2
    assert "holds a run of 2 epochs, which can be made longer but not shorter; got 1" in answer.err


@pytest.mark.slow
def test_a_longer_run_is_the_one_begun_so(run: Run, ordered: Path, small_settings, tmp_path: Path):
    steps = ("train.schedule=steps", "train.milestones=[2]")
    command = [*ORDERED, "--root", ordered, *small([*small_settings, *steps])]
    three = ["--set", "train.epochs=3"]
    assert run(*command, "--out", tmp_path / "grown").code == 0
    answer = run(*command, "--out", tmp_path / "grown", *three)
    assert "3 epochs instead of 2: the same as if the run had been begun with so" in answer.out
    assert answer.code == 0
    assert run(*command, "--out", tmp_path / "whole", *three).code == 0
    grown, whole = (load_file(tmp_path / n / "last.safetensors") for n in ("grown", "whole"))
    assert all(torch.equal(grown[name], whole[name]) for name in whole)
    assert run("test", tmp_path / "grown").out.count("epoch 3 of 3") == 1


@pytest.mark.slow
def test_a_longer_cosine_says_what_it_does(run: Run, finished: Path, ordered, small_settings):
    command = [*ORDERED, "--root", ordered, "--out", finished, *small(small_settings)]
    answer = run(*command, "--set", "train.epochs=3")
    assert answer.code == 0, answer.err
    assert (
        "3 epochs instead of 2: the cosine of the learning rate now ends there, so it goes on at "
        "0.002, not at 0. A run that is begun with 3 epochs ends with other weights"
    ) in answer.out
    assert "epoch 3/3" in answer.out


def test_a_failed_command_leaves_no_run(run: Run, ordered: Path, small_settings, tmp_path: Path):
    command = [*ORDERED, "--root", ordered, *small(small_settings)]
    wrong = ["--set", "model.weights=/no/such/file.pth"]
    out = tmp_path / "runs" / "mine"
    assert run(*command, "--out", out, *wrong).code == 2
    assert not list(tmp_path.iterdir())
    out.mkdir(parents=True)  # somebody else's
    assert run(*command, "--out", out, *wrong).code == 2
    assert list(tmp_path.rglob("*")) == [out.parent, out]
    (out / "log.txt").write_text("of an earlier start")
    assert run(*command, "--out", out, *wrong).code == 2
    assert [path.name for path in out.iterdir()] == ["log.txt"]


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_run_inside_of_the_data_set(run: Run, ordered: Path, more: list[str]):
    answer = run(*ORDERED, "--root", ordered, "--out", ordered / "labels" / "run", *more)
    assert answer.code == 2
    assert f"is inside of the data set {ordered}, where a folder is taken for a" in answer.err


def test_other_outputs_inside_of_the_data_set(run: Run, trained: Path, ordered: Path):
    answer = run("test", trained, "--root", ordered, "--scores", ordered / "scores.npz")
    assert answer.code == 2
    assert f"--scores {ordered / 'scores.npz'} is inside of the data set" in answer.err
