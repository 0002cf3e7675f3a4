import os

import pytest

from gta.errors import VideoError
from gta.files import write_text
from gta.names import shown


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("turn [left] :cat: $x$ 50 %", "turn [left] :cat: $x$ 50 %"),
        ("Öffnen, 開ける 👩\u200d👩", "Öffnen, 開ける 👩\u200d👩"),
        ("two\nlines\tand\rmore", r"two\nlines\tand\rmore"),
        ("\x1b[31mred\x07\x9b0m", r"\x1b[31mred\x07\x9b0m"),
        ("exe\u202egpj.mp4", r"exe\u202egpj.mp4"),
        ("a\u200bb\ufeff\u2028", r"a\u200bb\ufeff\u2028"),
        (os.fsdecode(b"caf\xe9.mp4"), r"caf\xe9.mp4"),
        ("half \ud83d of a pair", r"half \ud83d of a pair"),
    ],
)
def test_what_cannot_be_seen_is_written_out(name: str, written: str):
    assert shown(name) == written


def test_the_line_ends_of_a_message_can_stay():
    assert shown("one\ntwo\x1b", keep="\n") == "one\ntwo\\x1b"


def test_the_message_of_a_video_is_one_line_and_its_path_is_as_it_was():
    error = VideoError("a\nb\udce9.mp4", "is empty")
    assert str(error) == r"a\nb\xe9.mp4: is empty"
    assert error.path == "a\nb\udce9.mp4"


def test_a_file_of_text_is_utf_8_whatever_the_names(tmp_path):
    write_text(tmp_path / "names.json", '["caf\udce9", "é"]')
    assert (tmp_path / "names.json").read_text(encoding="utf-8") == '["caf\\udce9", "é"]'
