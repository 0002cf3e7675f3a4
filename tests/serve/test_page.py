"""The commands and the Python of docs/serving.md run as they stand."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gta.data.decode import read_frames
from gta.serve.openapi import ERRORS

from .conftest import Running

PAGE = (Path(__file__).parents[2] / "docs/serving.md").read_text(encoding="utf-8")
USUAL = "127.0.0.1:8000"


@pytest.fixture
def place(videos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page's commands name."""
    (tmp_path / "frames").mkdir()
    shutil.copy(videos[0], tmp_path / "clip.mp4")
    frames = read_frames(videos[0]).permute(0, 2, 3, 1).numpy()
    np.save(tmp_path / "clip.npy", frames)
    for number in (1, 2, 3):
        Image.fromarray(frames[number]).save(tmp_path / f"frames/{number}.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_command_of_curl_is_answered(running: Running, place: Path):
    lines = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        words = shlex.split(line.replace(USUAL, f"127.0.0.1:{running.port}"))
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
        top = json.loads(done.stdout)["videos"][0]["top"]
        assert len(top) == (3 if "top=3" in line else 4)


def test_the_python_prints_classes(running: Running, capsys: pytest.CaptureFixture[str]):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code.replace(USUAL, f"127.0.0.1:{running.port}"), {})
    assert len(re.findall(r"^Moving .* \S+$", capsys.readouterr().out, re.MULTILINE)) == 2


def test_the_page_names_every_status():
    named = {int(status) for status in re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE)}
    assert named == {200, *ERRORS}
