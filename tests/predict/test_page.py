"""The commands and the Python of docs/predicting.md run as they stand."""

import io
import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from gta.cli.main import main
from gta.data.decode import read_frames

from .long_videos import write_changes

PAGE = (Path(__file__).parents[2] / "docs/predicting.md").read_text(encoding="utf-8")


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page's commands name."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/mine").symlink_to(trained)
    clip = write_changes(tmp_path / "clip.mp4", [1], 2)
    for folder in ("frames", "videos/up", "videos/down"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("videos/up/a.mp4", "videos/down/b.mp4"):
        (tmp_path / name).write_bytes(clip.read_bytes())
    for number in range(5):
        Image.new("RGB", (64, 48), (40 * number, 90, 20)).save(tmp_path / f"frames/{number}.png")
    (tmp_path / "list.txt").write_text("clip.mp4\nvideos/up/a.mp4\n")
    write_changes(tmp_path / "long.mp4", [4], 8, rate=10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[str]:
    return [
        line
        for block in re.findall(r"```bash\n(.*?)```", PAGE, re.S)
        for line in block.splitlines()
    ]


def test_every_command_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    raw = read_frames(place / "clip.mp4").permute(0, 2, 3, 1).numpy().tobytes()
    piped = {"cat": (place / "clip.mp4").read_bytes(), "ffmpeg": raw}
    assert len(commands()) > 12
    for line in commands():
        before, _, command = line.rpartition(" | ")
        words = shlex.split(command)
        if before:
            content = io.BytesIO(piped[before.split()[0]])
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
        words = [_class(word) for word in words]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as caught:
            main()
        assert not caught.value.code, line
    assert {path.name for path in (place / "parts").rglob("*.mp4")}
    for name in ("scores.csv", "features.npz", "long.vtt", "long.png", "labeled.mp4", "long.edl"):
        assert (place / name).stat().st_size > 0


def _class(word: str) -> str:
    """The page's class, by the name that the built-in data set has for it."""
    return "Moving something down" if word == "down" else word


def test_the_python_runs(place: Path, capsys: pytest.CaptureFixture[str]):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, object] = {}
    exec(code, names)
    printed = capsys.readouterr().out
    assert "no.mp4: no such file" in printed
    assert "frames" in printed
    assert isinstance(names["vector"], torch.Tensor)
    assert (place / "long.srt").exists()
