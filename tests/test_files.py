import os
import threading
from concurrent.futures import ThreadPoolExecutor
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


def test_writers_of_the_same_file_at_once_each_write_all_of_it(tmp_path: Path):
    """A second writer begins, and the first ends, while the other is in the middle of the file."""
    path, texts = tmp_path / "a.txt", ("first" * 1000, "second" * 1000)
    begun, ended = threading.Event(), threading.Event()

    def first(part: Path) -> None:
        with part.open("w") as file:
            file.write(texts[0])
            begun.set()
            assert begins.wait(10)

    begins = threading.Event()

    def second(part: Path) -> None:
        with part.open("w") as file:
            file.write(texts[1][:100])
            file.flush()
            begins.set()
            assert ended.wait(10)
            file.write(texts[1][100:])

    with ThreadPoolExecutor() as pool:
        one = pool.submit(write_atomically, path, first)
        assert begun.wait(10)
        other = pool.submit(write_atomically, path, second)
        one.result()
        assert path.read_text() == texts[0]
        write_text(path, "third")  # whose temporary file has the usual name again
        ended.set()
        other.result()
    assert path.read_text() == texts[1]
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path):
    (tmp_path / ".a.part.txt").write_text("half of what was to be written")
    write_text(tmp_path / "a.txt", "new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["new"]
