"""What a terminal, a pipe and a log get to see of names."""

import io
import json
import sys
from pathlib import Path

import pytest

from gta.cli.console import Terminal, make_table, print_json, warn

NAMES = ("turn [left]", "open [/close] door", ":cat:", "[red]", "\\[x]", "a" * 300, "x\x1b[2Jy")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(terminal: Terminal, file: io.StringIO, width: int | None = None) -> str:
    terminal.console.file = file
    if width is not None:
        terminal.console.width = width
    terminal.show(make_table("\n".join(NAMES[:2]), ["class", "score"], [[n, "1 %"] for n in NAMES]))
    return file.getvalue()


def test_nothing_is_cut_or_taken_for_markup(capsys: pytest.CaptureFixture[str]):
    out = printed(Terminal(), io.StringIO())
    for name in NAMES[:-1]:
        assert name in out
    assert "x\\x1b[2Jy" in out
    assert "\x1b" not in out
    assert "…" not in out


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_goes_on_in_the_next_line(width: int):
    out = printed(Terminal(), Screen(), width)
    lines = out.splitlines()
    assert "…" not in out
    assert out.count("a") >= 300
    assert max(map(len, lines)) <= width


def test_a_line_and_the_log_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    terminal = Terminal(tmp_path / "log.txt")
    terminal.say("[bold]:cat:[/no] caf\udce9 \x1b[31m\nnext")
    expected = "[bold]:cat:[/no] caf\\xe9 \\x1b[31m\nnext\n"
    assert capsys.readouterr().out == expected
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").endswith(f"  {expected}")
    warn("caf\udce9\x1b")
    assert capsys.readouterr().err == "gta: caf\\xe9\\x1b\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize("name", ["é 開", "caf\udce9", "\x1b\x9b\u202e\n", "$ [x]"])
def test_json_is_one_value_that_any_terminal_takes(
    monkeypatch: pytest.MonkeyPatch, encoding: str, name: str
):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", file)
    print_json({"class": name})
    file.seek(0)
    text = file.read()
    assert json.loads(text) == {"class": name}
    assert text.startswith('{\n "class"')
    assert text.replace("\n", "").isprintable()


def test_letters_stay_letters_in_json(capsys: pytest.CaptureFixture[str]):
    print_json(["é 開"])
    assert capsys.readouterr().out == '[\n "é 開"\n]\n'
