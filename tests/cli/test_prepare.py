"""`gta prepare`, and training and testing on what it made, from files, shards and URLs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gta.evaluation.scores import Scores
from gta.recipes import read_recipe

from .conftest import Run
from .test_mistakes import small

PREPARE = ("prepare", "--data", "ordered", "--workers", "1")


@pytest.fixture(scope="module")
def broken(ordered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered clips; training clip 4 and held-out clip 44 are cut off."""
    root = tmp_path_factory.mktemp("broken") / "data"
    shutil.copytree(ordered, root)
    for id in (4, 44):
        (file,) = root.rglob(f"{id}.webm")
        file.write_bytes(file.read_bytes()[:300])
    return root


def test_the_whole_way(run: Run, broken: Path, tmp_path: Path, small_settings):
    out = tmp_path / "out"
    options = (*PREPARE, "--root", broken, "--out", out, "--as", "jpeg", "--quality", "90")
    answer = run(*options)
    assert answer.code == 1, answer.err
    assert f"{broken}: 40 train, 12 val (no test split)" in answer.out
    assert "trial: " in answer.out
    assert "GB are free" in answer.out
    assert (
        f"{out}: 50 written now, 0.00 GB; each was read again and compared with its original; the"
        in answer.out
    )
    assert "x the disk (" in answer.out
    assert f"2 videos have no copy and cannot be read from {out}:" in answer.out
    assert "4.webm: not a video that FFmpeg can open" in answer.out
    again = run(*options, "--json")
    assert again.code == 1
    told = json.loads(again.out)
    assert told["written"] == 0
    assert told["videos"] == {"train": 40, "val": 12}
    assert [sorted(failure) for failure in told["unreadable"]] == [["path", "reason"]] * 2
    settings = small([*small_settings, "train.epochs=1", "train.warmup_epochs=0", "data.workers=0"])
    answer = run(
        *("train", "--model", "tiny_gta", "--data", "ordered", "--root", out),
        *("--out", tmp_path / "run", *settings),
    )
    assert answer.code == 0, answer.err
    answer = run("test", tmp_path / "run", "--json", "--workers", "0")
    told = json.loads(answer.out)
    assert (told["videos"], len(told["unreadable"])) == (11, 1)
    answer = run("test", tmp_path / "run", "--root", broken, "--json", "--workers", "0")
    told = json.loads(answer.out)
    assert (told["videos"], len(told["unreadable"])) == (11, 1)


def test_copies_that_lost_much_are_told(run: Run, tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (6, 48, 64), dtype=np.uint8)
    for name, images in (("noise", noise), ("calm", np.zeros_like(noise))):
        for video in "12":
            folder = tmp_path / "data" / name / video
            folder.mkdir(parents=True)
            for i, image in enumerate(images):
                Image.fromarray(image).save(folder / f"{i}.png")
    options = ("prepare", "--data", "folder", "--root", tmp_path / "data", "--workers", "1")
    answer = run(*options, "--out", tmp_path / "a", "--quality", "28")
    assert answer.code == 0
    assert "warning: 2 copies lost much of their original, with frames below 28 dB" in answer.out
    assert "; --quality 23 instead of 28 keeps more, in a new --out" in answer.out
    assert "noise" in answer.out.split("such as ")[1].split(";")[0]
    told = json.loads(run(*options, "--out", tmp_path / "a", "--quality", "28", "--json").out)
    assert {name.split("/")[0] for name in told["poor"]} == {"noise"}


def test_the_size_is_that_of_the_model(run: Run, ordered: Path, tmp_path: Path):
    answer = run(
        *(*PREPARE, "--root", ordered, "--out", tmp_path / "a", "--model", "tiny_gta"),
        *("--set", "clip.resize=[24, 32]", "--set", "clip.size=16"),
        *("--set", "test.protocol=1x1-center16"),
    )
    assert answer.code == 0, answer.err
    assert "copies are of exactly 24x32 pixels (height x width), as tiny_gta resizes" in answer.out
    manifest = json.loads((tmp_path / "a" / "prepared.json").read_text())
    assert manifest["settings"]["resize"] == [24, 32]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--data", "ordered"], 2, "which videos? Give the folder of the data set: --root DIR"),
        (["--root", "{root}"], 2, "which recipe? Give --model and --data"),
        (["--data", "ordred", "--root", "{root}"], 2, "there is no recipe for data 'ordred'. Did"),
        (
            ["--data", "ordered", "--root", "{root}", "--resize", "big"],
            2,
            "--resize big: expected the short side in pixels, such as 256, or exactly height x",
        ),
        (
            ["--data", "ordered", "--root", "{root}", "--out", "{root}/new"],
            2,
            "is inside of the data set {root}, where a folder is taken for a class",
        ),
        (
            ["--data", "ordered", "--root", "s3://bucket/x"],
            2,
            "--root s3://bucket/x is a URL; give a folder",
        ),
        (["--data", "ordered", "--root", "gone"], 3, "gone does not exist; give the folder of"),
    ],
)
def test_mistakes(run: Run, ordered: Path, tmp_path: Path, options, code, message):
    options = [option.format(root=ordered) for option in options]
    if "--out" not in options:
        options += ["--out", str(tmp_path / "out")]
    answer = run("prepare", *options)
    assert answer.code == code
    assert message.format(root=ordered) in answer.err
    assert "trial" not in answer.out


def test_what_was_prepared_is_not_prepared_again(run: Run, ordered: Path, tmp_path: Path):
    assert run(*PREPARE, "--root", ordered, "--out", tmp_path / "a").code == 0
    answer = run(*PREPARE, "--root", tmp_path / "a", "--out", tmp_path / "b")
    assert answer.code == 2
    assert "is prepared already; give the original data set" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["video", "jpeg"])
def test_shards_at_a_url_are_trained_on_as_files_are(
    run: Run, broken: Path, tmp_path: Path, small_settings, form: str
):
    """The same weights, bit for bit."""
    pytest.importorskip("fsspec")
    files, shards, cache = tmp_path / "files", tmp_path / "shards", tmp_path / "cache"
    for out, more in ((files, ()), (shards, ("--shards", "--shard-mb", "1"))):
        assert run(*PREPARE, "--root", broken, "--out", out, "--as", form, *more).code == 1
    shutil.rmtree(shards / ".prepare")  # not needed to read them
    settings = small([*small_settings, "data.cache_gb=0", f"data.cache_dir={cache}"])
    weights = {}
    for name, root in (("files", files), ("url", f"file://{shards}"), ("path", shards)):
        out = tmp_path / "runs" / name
        answer = run(
            *("train", "--model", "tiny_gta", "--data", "ordered", "--root", root, "--out", out),
            *(*settings, *small([f"data.workers={int(name == 'url')}"])),
        )
        assert answer.code == 0, answer.err
        weights[name] = (out / "last.safetensors").read_bytes()
    assert weights["files"] == weights["url"] == weights["path"]
    assert read_recipe(tmp_path / "runs" / "url" / "recipe.yaml").data.root == f"file://{shards}"
    assert int((cache / "bytes").read_text()) > 0
    answer = run(
        "check", "--run", tmp_path / "runs" / "url", "--root", f"file://{shards}", "--json"
    )
    assert answer.code == 1
    summary = json.loads(answer.out)["summary"]
    assert (summary["train"]["unreadable"], summary["val"]["unreadable"]) == (1, 1)


def test_a_url_without_a_prepared_data_set(run: Run, tmp_path: Path):
    pytest.importorskip("fsspec")
    answer = run(
        *("check", "--model", "tiny_gta", "--data", "ordered", "--root", f"file://{tmp_path}")
    )
    assert answer.code == 3
    assert f"file://{tmp_path}/prepared.json cannot be read" in answer.err
    assert "Data at a URL has to be prepared: gta prepare --root DIR --out OUT" in answer.err


@pytest.mark.slow
def test_training_on_shards_is_killed_and_goes_on(
    broken: Path, tmp_path: Path, run: Run, small_settings
):
    pytest.importorskip("fsspec")
    for out, more in ((tmp_path / "files", ()), (tmp_path / "shards", ("--shards",))):
        assert run(*PREPARE, "--root", broken, "--out", out, *more).code == 1
    often = ("data.cache_gb=0", "train.checkpoint_minutes=1e-9", "data.workers=1")
    often += (f"data.cache_dir={tmp_path / 'cache'}",)
    common = ("train", "--model", "tiny_gta", "--data", "ordered", "--device", "cpu")
    common += tuple(small([*small_settings, *often]))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(*common, "--root", tmp_path / "files", "--out", whole).code == 0
    command = (*common, "--root", f"file://{tmp_path / 'shards'}", "--out", killed)
    process = subprocess.Popen(
        [sys.executable, "-m", "gta", *map(str, command)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(killed.glob("checkpoints/0*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "last.safetensors").exists()
    assert run(*command).code == 0
    name = "last.safetensors"
    assert (killed / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.slow
def test_two_processes_score_each_sample_of_the_shards_once(
    broken: Path, trained: Path, tmp_path: Path, run: Run
):
    pytest.importorskip("fsspec")
    shards = tmp_path / "shards"
    assert run(*PREPARE, "--root", broken, "--out", shards, "--shards").code == 1
    # processes of a launcher do not get --set: the user's cache folder is set for them
    environment = os.environ | {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for root in (str(shards), f"file://{shards}"):
        subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", "2", "-m", "gta", "test", str(trained), "--device", "cpu"),
                *("--root", root, "--scores", str(tmp_path / "two.npz"), "--workers", "1"),
            ],
            env=environment,
            check=True,
            timeout=300,
        )
        found = Scores.load(tmp_path / "two.npz")
        assert found.ids == [str(i) for i in range(41, 53) if i != 44]
        assert [path for path, _ in found.failures] == ["20bn-something-something-v2/44.webm"]
    one = run("test", trained, "--root", shards, "--scores", tmp_path / "one.npz")
    assert one.code == 0
    np.testing.assert_allclose(
        Scores.load(tmp_path / "one.npz").scores.numpy(), found.scores.numpy(), atol=1e-6
    )
