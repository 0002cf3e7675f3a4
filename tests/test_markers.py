"""The parts of pages that scripts write."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = """# Page

<!-- first: script.py -->
| old |
<!-- /first -->

By hand.

<!-- second part: script.py data.json -->
<!-- /second part -->

<!-- theirs: other.py -->
stays
<!-- /theirs -->
"""


@pytest.fixture
def markers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("docs.markers")


def test_each_part_is_replaced(markers):
    parts = {"first": r"| new \1 |", "second part": "two\n\nparagraphs"}
    new = markers.with_parts(PAGE, parts, "script.py")
    assert new == PAGE.replace("| old |", r"| new \1 |").replace(
        "data.json -->\n", "data.json -->\ntwo\n\nparagraphs\n"
    )
    assert markers.with_parts(new, parts, "script.py") == new


@pytest.mark.parametrize(
    ("page", "parts", "message"),
    [
        (PAGE, ["first"], "has markers for first, second part; script.py writes first"),
        (PAGE, ["first", "second part", "x"], "script.py writes first, second part, x"),
        (PAGE.replace("<!-- /first -->\n", ""), ["first", "second part"], "for second part; "),
        (PAGE + PAGE, ["first", "second part"], "for first, first, second part, second part; "),
        ("", [], None),
    ],
)
def test_parts_and_markers_are_the_same(markers, page: str, parts: list[str], message: str | None):
    texts = dict.fromkeys(parts, "")
    if message is None:
        assert markers.with_parts(page, texts, "script.py") == page
        return
    with pytest.raises(ValueError, match=message):
        markers.with_parts(page, texts, "script.py")
