from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gta.figures.confusion import confusion_figure, draw_confusion

MATRIX = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])


def matrix_of(num_classes: int) -> tuple[np.ndarray, list[str]]:
    counts = np.random.default_rng(0).integers(0, 9, (num_classes, num_classes))
    return counts, [f"Pretending to put something onto class {i}" for i in range(num_classes)]


def test_what_is_drawn_is_what_was_given():
    figure = confusion_figure(MATRIX, ["up", "down", "never"], [], "A title")
    axes = figure.axes[0]
    shares = np.asarray(axes.images[0].get_array())
    assert np.array_equal(shares, [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]])
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["up", "down", "never"]
    assert {(t.get_position(), t.get_text()) for t in axes.texts} == {
        ((0, 0), "3"),
        ((1, 0), "1"),
        ((1, 1), "4"),
    }
    assert figure.get_suptitle() == "A title"


def test_names_up_to_sixty_classes_and_a_list_for_more():
    named = confusion_figure(*matrix_of(60), ["never shown"], "")
    assert len(named.axes[0].get_yticks()) == 60
    assert named.axes[0].get_yticklabels()[0].get_text() == "Pretending to put something onto cl…"
    assert len(named.axes[0].texts) == 0
    listed = confusion_figure(*matrix_of(61), ["9 of 20  up\n    → down", "x" * 200], "")
    assert len(listed.axes[0].get_yticks()) < 60
    (text,) = listed.axes[1].texts
    first, arrow, _, last = text.get_text().splitlines()
    assert (first, arrow) == ("9 of 20  up", "    → down")
    assert len(last) == 78
    assert last.endswith("x…")


@pytest.mark.parametrize("num_classes", [4, 400])
def test_a_picture_is_written(tmp_path: Path, num_classes: int):
    draw_confusion(tmp_path / "a.png", *matrix_of(num_classes), ["a mistake"], "A title")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > picture.height > 2 * num_classes
