"""docs/architecture.md: picture, walks and table are what the code is."""

import importlib
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/architecture.md"
AGAIN = "run python -m docs.write_architecture"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("docs.write_architecture")


def test_the_picture_is_that_of_the_imports(script: ModuleType):
    assert script.picture() == script.PICTURE.read_text(encoding="utf-8"), AGAIN


def test_the_walks_are_what_runs(script: ModuleType):
    page = PAGE.read_text(encoding="utf-8")
    for name, part in script.parts().items():
        assert f"-->\n{part}\n<!-- /{name} -->" in page, AGAIN


def test_an_import_is_seen_wherever_it_stands(script: ModuleType):
    rooms = importlib.import_module("docs.draw_rooms")
    modules = rooms.module_imports()
    assert "gta.predict" in modules["gta.cli.predict"]  # in a function
    assert "gta.blocks.non_local" in modules["gta.blocks"]  # in a package
    imports = rooms.read_rooms().imports
    assert imports.has_edge("data/formats", "data/records")
    assert not any(imports.has_edge(room, "blocks") for room in imports if "data" in room)


def test_boxes_do_not_overlap(script: ModuleType):
    rooms = importlib.import_module("docs.draw_rooms")
    rows, x, _ = rooms.lay_out(rooms.read_rooms())
    for row in rows:
        boxes = [x[node] for node in row if len(node) == 1]
        assert all(right - left > rooms.BOX for left, right in pairwise(boxes))


def test_where_is_what():
    """Each path exists, and what to look for is in it."""
    table = PAGE.read_text(encoding="utf-8").split("## Where is what")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 30
    for row in rows:
        _, where, look_for = (cell.strip() for cell in row.strip("|").split(" |", 2))
        links = re.findall(r"\[`([^`]+)`\]\(\.\./src/gta/([^)]+)\)", where)
        assert links, row
        for shown, target in links:
            assert target.endswith(shown.rstrip("/")), row
            assert (ROOT / "src/gta" / target).exists(), row
        if name := look_for.strip("`| "):
            texts = [ROOT / "src/gta" / target for _, target in links]
            files = [path for path in texts if path.is_file()]
            pattern = rf"^(def|class) {name}\b|^{name}\b"
            assert any(re.search(pattern, p.read_text("utf-8"), re.M) for p in files), row
