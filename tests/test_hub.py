"""Runs on the Hugging Face Hub; its library is there, the Hub is not."""

import sys
from pathlib import Path

import pytest

import gta
from gta.errors import UsageError

hub = pytest.importorskip("huggingface_hub")


def test_a_run_of_the_hub(trained: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def snapshot(name, *, revision, allow_patterns):
        asked.append((name, revision, allow_patterns))
        return str(trained)

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    monkeypatch.setattr("gta.hub.unreachable", lambda url, patience: None)
    assert gta.load("hub:someone/gestures", device="cpu").run.folder == trained
    assert gta.load("hub:someone/gestures@v2", device="cpu").run.folder == trained
    files = ["recipe.yaml", "labels.json", "*.safetensors"]
    assert asked == [("someone/gestures", None, files), ("someone/gestures", "v2", files)]


def test_the_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"^hub:someone/gestures cannot be fetched: .* found without a connection"
    ) as caught:
        gta.load("hub:someone/gestures")
    assert "\n" not in str(caught.value)


def test_names_that_are_none():
    for source in ("hub:", "hub:gestures", "hub:https://huggingface.co/someone/gestures"):
        with pytest.raises(UsageError, match=r"expected hub:OWNER/NAME, or hub:OWNER/NAME@REV"):
            gta.load(source)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"needs huggingface_hub: pip install 'gta-video\[hub\]'"):
        gta.load("hub:someone/gestures")


def test_a_hub_that_does_not_answer(trained: Path, monkeypatch: pytest.MonkeyPatch):
    kept = []

    def snapshot(name, *, revision, allow_patterns, local_files_only):
        assert local_files_only
        if not kept:
            raise OSError("not in the cache, and many words of advice")
        return str(kept[0])

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    monkeypatch.setattr(
        "gta.hub.unreachable", lambda url, patience: "huggingface.co does not answer"
    )
    with pytest.raises(UsageError, match=r"cannot be fetched: huggingface.co does not answer\. I"):
        gta.load("hub:someone/gestures")
    kept.append(trained)
    assert gta.load("hub:someone/gestures", device="cpu").run.folder == trained
