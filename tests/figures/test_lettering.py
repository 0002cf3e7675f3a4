"""Names in pictures: as they are, without a warning, in a font that has their letters."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.text import Text

from gta.figures import lettering
from gta.figures.comparison import Shown, draw_comparison
from gta.figures.confusion import confusion_figure, draw_confusion
from gta.figures.contact_sheet import contact_sheet, draw_contact_sheet
from gta.figures.lettering import BOX, Lettering
from gta.figures.matrices import Matrix

NAMES = [
    *(
        "cost $5 to $10",
        "$",
        "a $ b",
        r"\$x\$ \frac{1}",
        "x_1^2",
        "turn [left]",
        ":cat:",
        "-1",
        "=1",
    ),
    *("caf\udce9", "two\nlines", "\x1b[31mred", "\u202eturned", "e\u0301", "", " ", "long " * 80),
    *("ꙮ開ける", "עברית", "\U0001fae0 face"),
]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(text: str) -> str:
    """What matplotlib draws of a text that it takes for no formula."""
    assert not Text(text=text)._preprocess_math(text)[1]
    return Text(text=text)._preprocess_math(text)[0]


@pytest.mark.parametrize("name", NAMES[:9])
def test_a_name_is_drawn_as_it_is(name: str):
    assert drawn(Lettering([name]).write(name)) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("caf\udce9", r"caf\xe9"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202eturned", r"\u202eturned"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_what_cannot_be_seen_is_written_out(name: str, written: str):
    assert drawn(Lettering([name]).write(name)) == written


def test_pictures_of_any_names_are_written_without_a_word(tmp_path: Path, capfd):
    matrix = np.arange(len(NAMES) ** 2).reshape(len(NAMES), -1)
    title = f"{NAMES[0]}\n{NAMES[-1]}" + "x" * 300
    draw_confusion(tmp_path / "few.png", matrix, NAMES, [], title)
    many = [f"{name} {i}" for i in range(4) for name in NAMES]
    mistakes = [f"1 of 2 (50%)  {name}\n    → {name}" for name in NAMES]
    draw_confusion(tmp_path / "many.png", np.eye(len(many), dtype=int), many, mistakes, title)
    clips = np.zeros((len(NAMES), 2, 8, 8, 3), np.uint8)
    draw_contact_sheet(tmp_path / "sheet.png", clips, NAMES)
    draw_comparison(
        tmp_path / "comparison.png",
        clips=[Shown(clips[0], name, dict.fromkeys(NAMES[:3], (name, 0.5))) for name in NAMES],
        accuracies=dict.fromkeys(NAMES[:3], 0.5),
        ceiling=0.5,
        matrix=Matrix(NAMES[0], "pixel", np.ones((1, 2, 1, 2)), np.ones((2, 2))),
        title=title,
    )
    assert len(list(tmp_path.glob("*.png"))) == 4
    assert capfd.readouterr() == ("", "")


def test_names_at_the_axes_and_titles_of_clips():
    figure = confusion_figure(np.eye(2, dtype=int), ["$a$ b", "c_1"], [], "x $1 $2")
    labels = [drawn(label.get_text()) for label in figure.axes[0].get_xticklabels()]
    assert labels == ["$a$ b", "c_1"]
    sheet = contact_sheet(np.zeros((1, 2, 8, 8, 3), np.uint8), ["$5 $6"])
    assert drawn(sheet.subfigs[0].get_suptitle()) == "$5 $6"


def test_letters_without_a_font_are_boxes_and_the_classes_are_numbered():
    missing = "\U0010fffd"
    letters = Lettering([f"a {missing}\ufe0f"])
    assert not letters.complete
    assert letters.write(f"a {missing}").strip() == f"a {BOX}"
    figure = confusion_figure(np.eye(2, dtype=int), [f"{missing} a", "b"], [], "x")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"0: {BOX} a", "1: b"]
    assert "no installed font has all letters" in figure.axes[0].get_xlabel()


def test_a_font_that_has_the_letters_is_taken(monkeypatch: pytest.MonkeyPatch):
    usual = font_manager.findfont(font_manager.FontProperties())
    has = {usual: {ord("a")}, "/emoji.ttf": {ord("開")}, "/kai.ttf": {ord("開")}, "/x.ttf": {1}}
    entries = [
        font_manager.FontEntry(fname=file, name=name, style="normal")
        for file, name in (("/x.ttf", "A"), ("/emoji.ttf", "B Emoji"), ("/kai.ttf", "Kai"))
    ]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    monkeypatch.setattr(lettering, "_letters", lambda file: frozenset(has[file]))
    lettering._fonts.cache_clear()
    try:
        assert lettering._fonts(frozenset(map(ord, "a開"))) == (("Kai",), frozenset())
        assert lettering._fonts(frozenset(map(ord, "a"))) == ((), frozenset())
    finally:
        lettering._fonts.cache_clear()


def test_long_and_wide_names_are_cut_and_titles_folded():
    letters = Lettering(["開" * 40])
    letters._absent = frozenset()
    assert letters.write("abcdef", 4) == "abc…"
    assert letters.write("開開開", 5) == "開開…"
    assert letters.fold("one two three\nfour", 8) == "one two\nthree\nfour"
    assert letters.fold("x" * 20, 8).split("\n") == ["x" * 8, "x" * 8, "x" * 4]
