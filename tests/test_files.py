import os
from pathlib import Path

import pytest

from gta.files import write_atomically, write_text


def test_text_is_written(tmp_path: Path):
    write_text(tmp_path / "a.txt", "ü\n")
    assert (tmp_path / "a.txt").read_bytes() == "ü\n".encode()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_writer_that_fails_leaves_the_old_file_alone(tmp_path: Path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(part: Path) -> None:
        part.write_text("half of the new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fsync", lambda file: calls.append("flush"))
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda a, b: (calls.append("name"), replace(a, b)))
    write_text(tmp_path / "a.txt", "new")
    assert calls == ["flush", "name", "flush"]  # the last is the folder's
