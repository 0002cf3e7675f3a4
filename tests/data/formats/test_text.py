"""Texts that would take all memory or all of Python's stack end in a message."""

import pytest

from gta.data.formats import text as module
from gta.data.formats.text import read_json, read_lines, read_text
from gta.data.videos import load_videos
from gta.errors import DataError


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "is nested too deeply to be an annotation"),
        ('{"a": ' * 100_000, "is nested too deeply to be an annotation"),
        ('{"a": ' + "9" * 5000 + "}", "has a number of too many digits to be an annotation"),
        ('{"a": 1, "b": 2, "a": 3}', "has the key 'a' twice in one object"),
    ],
    ids=["lists", "objects", "digits", "twice"],
)
def test_json(tmp_path, content, reason):
    file = tmp_path / "a.json"
    file.write_text(content)
    with pytest.raises(DataError) as caught:
        read_json(file)
    assert str(caught.value) == f"{file} {reason}."


@pytest.mark.parametrize("line", ["[" * 90_000, '{"path": "a.mp4", "label": ' + "9" * 5000 + "}"])
def test_a_line_of_json(tmp_path, line):
    (tmp_path / "train.jsonl").write_text(line)
    with pytest.raises(DataError, match="line 1 is nested too deeply, or has a number too long"):
        load_videos("list", tmp_path, "train")


def test_size(tmp_path, monkeypatch):
    file = tmp_path / "train.txt"
    file.write_text("a.mp4 " + "x" * 200_000)
    with pytest.raises(DataError, match="line 1 has more than 100,000 characters"):
        read_lines(file)
    monkeypatch.setattr(module, "_LARGEST", 2**20)
    file.write_bytes(bytes(2**20 + 1))
    with pytest.raises(DataError, match="has more than 1 MiB: it is no annotation"):
        read_text(file)
