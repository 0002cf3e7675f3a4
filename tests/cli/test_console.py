"""What a terminal, a pipe and a log get to see of names."""

import io
import json
import re
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


@pytest.mark.parametrize("width", [40, 160])
def test_bars_of_a_whole_and_its_part_show_both_and_all_that_is_said(
    monkeypatch: pytest.MonkeyPatch, width: int
):
    monkeypatch.setenv("TERM", "xterm")
    terminal, screen = Terminal(), Screen()
    terminal.console.file, terminal.console.width = screen, width
    terminal.console.is_interactive = True
    note = "loss 0.825  train 72.9%  lr 0.00077  41.5 clips/s  bottleneck: network (6% waiting)"
    with terminal.track("training", 60) as overall, terminal.track("epoch 3/6", 10) as advance:
        overall(20, "val top-1 58.3%")
        overall(25, "val top-1 58.3%")
        advance(5, note)
        assert terminal.progress is not None
        before = len(screen.getvalue())
        terminal.progress.refresh()
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()[before:])
    for part in ("training", "epoch 3/6", "25/60", "5/10", *note.split(), "58.3%"):
        assert part in text
    assert max(map(len, text.splitlines())) <= width
    assert re.search(r"0:00:0\d", text)  # what is left of the whole, by the 5 steps since it began
    assert terminal.progress is None


def test_bars_are_no_lines_where_there_is_no_terminal():
    terminal, file = Terminal(), io.StringIO()
    terminal.console.file = file
    with terminal.track("training", 60) as overall, terminal.track("epoch 3/6", 10) as advance:
        overall(20, "")
        advance(5, "loss 0.8")
        terminal.say("a line")
    assert file.getvalue() == "a line\n"
