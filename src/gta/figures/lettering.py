"""Names in figures: written as they are, in fonts that have their letters, never as mathematics.

matplotlib reads text between two `$` as a formula, draws a box for a letter that its font lacks,
and warns. Every text of a figure that may hold a name is written here.
"""

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from gta.names import shown

BOX = "□"
"""Replaces a letter that no installed font has."""
_LIKED = ("Noto Sans", "Source Han Sans", "Hiragino", "PingFang", "Microsoft YaHei", "Malgun")
"""Prefixes of the names of fonts that are tried first: plain, with many letters."""
_UNFIT = ("emoji", "lastresort", "last resort", "blank", "symbol")
"""Fonts without outlines, or with boxes for all letters."""


class Lettering:
    """Writes the names of one figure.

    Args:
        names: All names that will be written.
    """

    def __init__(self, names: Iterable[str]):
        needed = {ord(letter) for name in names for letter in shown(name, keep="\n")} - {0x0A}
        families, self._absent = _fonts(frozenset(needed))
        self._settings: dict[Any, Any] = {
            "font.family": [*matplotlib.rcParams["font.family"], *families],
            "text.usetex": False,
        }

    @property
    def complete(self) -> bool:
        """Whether there is a font for every letter."""
        return not self._absent

    def write(self, name: str, most: int | None = None) -> str:
        """A name as a text of the figure: one line, and cut if it is wider than `most` letters."""
        text = "".join(self._letter(letter) for letter in shown(name))
        return (text if most is None else _cut(text, most)).replace("$", r"\$")

    def fold(self, text: str, width: int) -> str:
        """A title: its lines, each broken where it is wider than `width` letters."""
        lines = [part for line in text.split("\n") for part in _broken(line, width)]
        return "\n".join(self.write(line) for line in lines)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Within this context, texts have the fonts, and matplotlib does not warn."""
        with warnings.catch_warnings(), matplotlib.rc_context(self._settings):
            warnings.simplefilter("ignore")
            yield

    def _letter(self, letter: str) -> str:
        if ord(letter) not in self._absent:
            return letter
        # combining marks and joiners are not letters
        return "" if unicodedata.category(letter) in ("Mn", "Me", "Cf") else BOX


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Writes a figure to a .png file, without warnings."""
    with warnings.catch_warnings(), matplotlib.rc_context({"text.usetex": False}):
        warnings.simplefilter("ignore")
        figure.savefig(path, dpi=dpi)


def width(text: str) -> int:
    """Width in Latin letters; Chinese, Japanese and Korean letters count as two."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def _cut(text: str, most: int) -> str:
    if width(text) <= most:
        return text
    kept, room = "", most - 1
    for letter in text:
        room -= _width(letter)
        if room < 0:
            break
        kept += letter
    return f"{kept}…"


def _broken(line: str, most: int) -> list[str]:
    """Lines of at most so many letters, broken at spaces if there are any."""
    lines, now = [], ""
    for word in line.split(" "):
        longer = f"{now} {word}" if now else word
        if width(longer) <= most:
            now = longer
            continue
        lines += [now] if now else []
        now = ""
        for letter in word:
            if width(now) + _width(letter) > most:
                lines.append(now)
                now = ""
            now += letter
    return [*lines, now]


@lru_cache(maxsize=8)
def _fonts(needed: frozenset[int]) -> tuple[tuple[str, ...], frozenset[int]]:
    """Font families to add to the default, and the letters that no installed font has."""
    left = needed - _letters(font_manager.findfont(font_manager.FontProperties()))
    families = list[str]()
    for family, file in _installed() if left else ():
        there = left & _letters(file)
        if there:
            families.append(family)
            left -= there
        if not left:
            break
    return tuple(families), frozenset(left)


def _installed() -> list[tuple[str, str]]:
    """(family, file) of upright fonts, plain fonts first."""
    fonts = {
        font.name: font.fname
        for font in font_manager.fontManager.ttflist
        if font.style == "normal" and not any(word in font.name.lower() for word in _UNFIT)
    }
    return sorted(fonts.items(), key=lambda font: (not font[0].startswith(_LIKED), font[0]))


@lru_cache(maxsize=1024)
def _letters(file: str) -> frozenset[int]:
    """The code points for which a font file has a glyph; none if it cannot be drawn."""
    try:
        font = FT2Font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):
        return frozenset()
