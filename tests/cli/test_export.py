"""`gta export`: what it refuses, and one whole way through."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give one of: --out FILE, such as --out model.onnx, --check FILE, --benchmark"),
        (("--out", "a.onnx", "--benchmark"), "give one of: --out FILE"),
        (("--out", "a.onnx", "--check", "a.onnx"), "give one of: --out FILE"),
        (("--out", "model.tflite"), "model.tflite: the file's ending says its format: .onnx or"),
        (("--out", "a.pt2", "--precision", "int8"), "--precision int8 is for .onnx; a .pt2 is fp"),
        (("--out", "a.onnx"), "does not exist"),
    ],
)
def test_mistakes(run: Run, words: tuple[str, ...], said: str):
    answer = run("export", "no/run", *words)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.slow
def test_files_and_figures(
    run: Run, gta: Callable, ordered: Path, small_settings: list[str], tmp_path: Path
):
    """Of a causal network, which the ordinary trainer trains."""
    settings = [part for setting in small_settings for part in ("--set", setting)]
    words = ("--model", "tiny_gta_causal", "--data", "ordered", "--root", ordered)
    done = gta("train", *words, "--out", tmp_path / "run", "--set", "clip.stride=1", *settings)
    assert done.returncode == 0, done.stderr
    answer = run("export", tmp_path / "run", "--out", tmp_path / "model.onnx")
    assert answer.code == 0, answer.err
    assert "clips (batch, 3, 4, 32, 32); differs from torch by" in answer.out
    assert "on random input and 4 real clips" in answer.out
    answer = run("export", tmp_path / "run", "--check", tmp_path / "model.onnx")
    assert "is this run's: it differs from torch by" in answer.out
    other = run("export", "ordered", "--check", tmp_path / "model.onnx")
    assert other.code == 1
    assert "model.onnx is not this run's: its labels are" in other.err
    told = run("export", tmp_path / "run", "--stream", "--out", tmp_path / "step.pt2", "--json")
    assert json.loads(told.out)["real_clips"] == 4
    told = run("export", tmp_path / "run", "--benchmark", "--clips", "6", "--json")
    rows = json.loads(told.out)["rows"]
    assert [(row["format"], row["precision"]) for row in rows] == [
        ("torch", "fp32"),
        ("torch.export", "fp32"),
        *(("ONNX", precision) for precision in ("fp32", "fp16", "int8")),
    ]
    assert all(row["top1"] is not None for row in rows)
    assert max(row["difference"] for row in rows[:3]) < 1e-4
    table = run("export", tmp_path / "run", "--benchmark", "--clips", "6", "--stream")
    assert "ms a frame" in table.out
