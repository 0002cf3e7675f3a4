"""`gta train --dry-run`: a table and a picture, and no run."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from .conftest import Run
from .test_mistakes import ORDERED, small


def test_dry_run(run: Run, ordered: Path, small_settings, tmp_path: Path):
    out = tmp_path / "runs" / "mine"
    answer = run(
        *(*ORDERED, "--root", ordered, "--out", out, "--dry-run", *small(small_settings)),
    )
    assert answer.code == 0, answer.err
    for words in (
        "2 epochs of 5 steps",
        "s for 8 clips",
        "ms on one core",
        "reading videos takes",
        "with 12 validation videos",
        "GiB for the run's folder",
    ):
        assert words in answer.out
    picture = out.with_name("mine-dry-run.png")
    assert f"clips as the network sees them: {picture}" in answer.out
    with Image.open(picture) as image:
        assert image.height > image.width > 300
    assert [path.name for path in out.parent.iterdir()] == ["mine-dry-run.png"]
    # the training itself then goes into the same place
    answer = run(*(*ORDERED, "--root", ordered, "--out", out, *small(small_settings)))
    assert answer.code == 0, answer.err


def test_a_full_disk(
    run: Run, ordered: Path, small_settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    answer = run(
        *(*ORDERED, "--root", ordered, "--out", tmp_path / "mine", "--dry-run"),
        *small(small_settings),
    )
    assert answer.code == 2
    assert f"the disk of {tmp_path / 'mine'} has 0.00 GiB free, the run needs 0." in answer.err


def test_several_processes(run: Run, ordered: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    answer = run(*(*ORDERED, "--root", ordered, "--dry-run"))
    assert answer.code == 2
    assert "--dry-run measures one process; start it without torchrun" in answer.err
