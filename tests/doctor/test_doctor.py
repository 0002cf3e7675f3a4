"""`gta doctor`: what is wrong is found, what is right is not, and nobody is named."""

import json
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from gta.cli.main import main
from gta.doctor import Observed, without_names
from gta.doctor import training as trained
from gta.doctor.decoders import decoders, wrong_frames
from gta.doctor.machine import machine
from gta.doctor.training import gpus, loader, two_steps
from gta.doctor.versions import versions


def findings(seen: Iterable[Observed]) -> dict[str, str]:
    return {one.what: one.finding for one in seen if one.finding}


def test_nobody_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/srv/people/maria")
    monkeypatch.setenv("LOGNAME", "maria")
    monkeypatch.setattr(socket, "gethostname", lambda: "lab-7")
    text = (
        "no room in /srv/people/maria/runs, /home/jan/x and /Users/li of maria on lab-7; mariarch"
    )
    expected = "no room in ~/runs, /home/USER/x and /Users/USER of USER on HOST; mariarch"
    assert without_names(text) == expected


def test_versions(monkeypatch: pytest.MonkeyPatch):
    assert not findings(versions())
    given = {"torch": "2.13.0+cpu", "torchvision": "0.1", "numpy": "2.0", "pillow": None}
    monkeypatch.setattr("gta.doctor.versions._least", lambda: {"torchvision": "0.26"})
    monkeypatch.setattr("gta.doctor.versions.known_flaws", lambda: ["CVE-1"])
    assert findings(versions(lambda name: given.get(name, "99"))) == {
        "torch": "it cannot import torchvision: install another version of torch",
        "torchvision": "at least 0.26 is needed: pip install -U torchvision",
        "pillow": "install it: pip install pillow",
        "FFmpeg in av": "known: CVE-1; install a newer av",
    }


def test_decoders_are_tried(tmp_path: Path):
    seen = list(decoders(tmp_path))
    assert not findings(seen)
    assert "H.264" in seen[-1].seen
    assert "PNG pictures" in seen[-1].seen
    (tmp_path / "broken.mp4").write_bytes((tmp_path / "libx264.mp4").read_bytes()[:100])
    assert "it cannot be read (" in str(wrong_frames(tmp_path / "broken.mp4"))
    Image.new("RGB", (64, 64)).save(tmp_path / "png/000.png")
    assert wrong_frames(tmp_path / "png") == "frames are read wrong, by 40 levels of grey"
    (tmp_path / "png/000.png").unlink()
    assert wrong_frames(tmp_path / "png") == "5 frames are read of 6"


def test_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "file").touch()
    monkeypatch.setattr("gta.doctor.machine.available_cores", lambda: 64)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    little = SimpleNamespace(total=2**26, free=2**26)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: little)
    told = findings(machine(tmp_path / "file/below", tmp_path, tmp_path))
    assert told["cores"].endswith("set OMP_NUM_THREADS=1 and --set data.workers=1")
    assert "docker run --shm-size=8g" in told["shared memory"]
    assert told["disk, this folder"].startswith("nothing can be written and locked there: ")
    assert told["disk, temporary"].startswith("little room")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda place: SimpleNamespace(total=2**40, free=2**40)
    )
    assert not findings(machine(tmp_path, tmp_path, tmp_path))


def test_two_steps_on_each_device(monkeypatch: pytest.MonkeyPatch):
    seen = list(two_steps())
    assert seen[0].what == "training, cpu"
    assert not findings(seen)

    def broken(recipe, classes):
        raise RuntimeError("no kernel image is available\nand more")

    monkeypatch.setattr(trained, "build_network", broken)
    assert findings(two_steps())["training, cpu"] == (
        "two steps of a training do not work: RuntimeError: no kernel image is available"
    )


def test_a_loader_process(tmp_path: Path):
    Image.new("RGB", (64, 64)).save(tmp_path / "0.png")
    assert loader(tmp_path).finding is None
    finding = loader(tmp_path / "nothing").finding
    assert finding == "no batch comes; without such processes: --set data.workers=0"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about a GPU that torch cannot use")
def test_a_gpu_that_torch_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not findings(gpus(tmp_path / "nothing"))
    assert "and torch" in findings(gpus(tmp_path))["GPU"]


def test_the_verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    seen = [Observed("torch", "2.14"), Observed("cores", "2", "too few")]
    monkeypatch.setattr("gta.doctor.examine", lambda report: seen)
    for words, code in (["--json"], 1), ([], 1), ([], 0):
        if not code:
            del seen[1]
        monkeypatch.setattr("sys.argv", ["gta", "doctor", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        out = capsys.readouterr().out
        if words:
            told = json.loads(out)
            assert told["findings"] == 1
            assert told["observed"][1] == {"what": "cores", "seen": "2", "finding": "too few"}
        elif code:
            assert out == "```text\ntorch  2.14\ncores  2\n\n! cores: too few\n```\n"
        else:
            assert out == "```text\ntorch  2.14\n\nnothing wrong was found\n```\n"
