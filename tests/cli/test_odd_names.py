"""Names that a terminal, a parser or a codec would act on, by the verbs."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from gta.evaluation.scores import Scores

from .conftest import Run
from .test_predict import first_clip, mp4

CLASSES = ["turn [left] $a$", "open [/close] :cat: $b$", "caf\udce9", "\x1b[31mred\nline"]
SHOWN = ["turn [left] $a$", "open [/close] :cat: $b$", r"caf\xe9", r"\x1b[31mred\nline"]


def bytes_name(folder: Path, name: bytes) -> Path:
    """A path whose name is not UTF-8, where the disk takes such names."""
    path = folder / os.fsdecode(name)
    try:
        path.mkdir()
        path.rmdir()
    except OSError:
        pytest.skip("the disk takes no name that is not UTF-8")
    return path


@pytest.fixture
def odd_run(trained: Path, tmp_path: Path) -> Path:
    folder = bytes_name(tmp_path, b"run \xe9 [x]")
    shutil.copytree(trained, folder)
    (folder / "labels.json").write_text(json.dumps(CLASSES))
    return folder


def test_predict(run: Run, odd_run: Path, ordered: Path, tmp_path: Path):
    clips = [tmp_path / name for name in ("[red]a.webm", "-x=\u202e.webm", "b\udce9\n.webm")]
    for clip in clips:
        shutil.copy(first_clip(ordered), clip)
    answer = run("predict", odd_run, *clips, tmp_path / "no\udce9\x1b.mp4")
    assert answer.code == 3
    for name in (*SHOWN, "[red]a.webm", r"-x=\u202e.webm", r"b\xe9\n.webm", r"run \xe9 [x]: "):
        assert name in answer.out
    assert r"no\xe9\x1b.mp4: no such file" in answer.err
    told = json.loads(run("predict", odd_run, *clips, "--json").out)
    assert told["run"] == str(odd_run)
    assert [video["video"] for video in told["videos"]] == [str(clip) for clip in clips]
    assert {one["class"] for one in told["videos"][0]["top"]} == {*CLASSES}


def test_score_files_tables_and_pictures(run: Run, tmp_path: Path):
    labels = torch.arange(40) % 4
    ids = [f"[red]{CLASSES[label]}/{i}\t.mp4" for i, label in enumerate(labels.tolist())]
    for name, shift in (("a", 10), ("b", 30)):
        taken = torch.where(torch.arange(40) < shift, labels, (labels + 1) % 4)
        scores = torch.nn.functional.one_hot(taken, 4).float()
        model = f"{name} [bold] caf\udce9, last.safetensors"
        found = Scores(ids, labels, scores, CLASSES, "1x1-center224", [("x\udce9", "bad")], model)
        found.save(tmp_path / f"{name}.npz")
        kept = Scores.load(tmp_path / f"{name}.npz")
        assert (kept.ids, kept.classes, kept.model) == (ids, CLASSES, model)
    pair = (tmp_path / "a.npz", tmp_path / "b.npz")
    answer = run("compare", *pair)
    assert answer.code == 0, answer.err
    for name in (*SHOWN, r"a [bold] caf\xe9, last"):
        assert name in answer.out
    told = json.loads(run("compare", *pair, "--json").out)
    assert {one["class"] for one in told["classes"]} == {*CLASSES}
    answer = run("ensemble", *pair, "--out", tmp_path / "both.npz")
    assert answer.code == 0, answer.err
    for end in ("classes.csv", "confusion.csv"):
        text = (tmp_path / f"both-{end}").read_text(encoding="utf-8")
        assert all(name in text for name in (*CLASSES[:2], r"caf\udce9"))
    assert (tmp_path / "both-confusion.png").stat().st_size > 1000


def test_check_and_the_split_of_a_folder(run: Run, tmp_path: Path):
    root = tmp_path / "data"
    for name in CLASSES[:1] + CLASSES[3:]:
        (root / name).mkdir(parents=True)
        for video in ("[red].mp4", "1.mp4"):
            mp4(root / name / video, 3)
    for name in (b"caf\xe9", b"\xff [x]"):
        bytes_name(root, name).mkdir()
        shutil.copytree(root / CLASSES[0], root / os.fsdecode(name), dirs_exist_ok=True)
    command = ("check", "--model", "tiny_gta", "--data", "folder", "--root", root)
    answer = run(*command, "--out", tmp_path / "report.json")
    assert "Traceback" not in answer.err
    assert "4 classes" in answer.out
    assert r"caf\xe9/[red].mp4" in answer.out  # the same content under other labels
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads(run(*command, "--json").out)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_of_few_letters(odd_run: Path, ordered: Path, gta, monkeypatch, encoding: str):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = gta("predict", odd_run, first_clip(ordered))
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in SHOWN)
