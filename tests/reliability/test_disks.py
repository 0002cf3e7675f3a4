"""The exam's lines 5 and 6 in small: what verbs say of a disk that is full, and what stays."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gta.cli import main as command_line
from gta.evaluation.scores import Scores
from gta.files import write_text
from gta.progress import append_log

FULL = Path("/dev/full")
SAID = (
    "could not be written: the disk is full. What was there before stays: make room on it, and "
    "give the same command again"
)


def scores(value: float) -> Scores:
    table = torch.tensor([[value, 1 - value]])
    return Scores(["a"], torch.tensor([0]), table, ["x", "y"], "1x1-center32")


def test_scores_that_cannot_be_written_leave_those_that_were_there(tmp_path: Path, monkeypatch):
    path = tmp_path / "a.npz"
    scores(0.25).save(path)
    before, write = path.read_bytes(), np.savez_compressed

    def half(part, **arrays):
        write(part, **arrays)
        Path(part).write_bytes(Path(part).read_bytes()[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", half)
    with pytest.raises(OSError, match="No space left") as caught:
        scores(0.5).save(path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_scores_get_their_ending(tmp_path: Path):
    scores(0.25).save(tmp_path / "a")
    assert Scores.load(tmp_path / "a.npz").ids == ["a"]


def test_an_error_of_writing_names_the_file_that_was_meant(tmp_path: Path):
    path = tmp_path / "gone" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught:
        write_text(path, "text")
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full disk to try")
def test_a_log_on_a_full_disk():
    with pytest.raises(OSError, match="No space left") as caught:
        append_log(FULL, "text")
    assert caught.value.filename == str(FULL)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x", "runs/a.npz"), f"runs/a.npz {SAID}"),
        (
            OSError(errno.EROFS, "x", "runs/a.npz"),
            "runs/a.npz could not be written: the file system is read-only. What was there before "
            "stays: make it writable, and give the same command again",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "Permission denied: a"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a"), "No such file: a"),
    ],
)
def test_what_a_verb_says(monkeypatch, capsys, error: OSError, said: str):
    def fail():
        raise error

    monkeypatch.setattr(command_line, "app", fail)
    monkeypatch.setattr(sys, "argv", ["gta"])
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == f"gta: {said}\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full disk to try")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_on_a_full_disk(unbuffered: str):
    with FULL.open("w") as file:
        done = subprocess.run(
            [sys.executable, "-m", "gta", "recipes", "--json"],
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (1, f"gta: the output {SAID}\n")


def test_a_reader_that_goes_away():
    with subprocess.Popen(
        [sys.executable, "-m", "gta", "recipes", "--json"],
        env=os.environ | {"PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
