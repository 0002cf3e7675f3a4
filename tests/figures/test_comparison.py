from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from gta.figures.comparison import comparison_figure, draw_comparison

RANKED = {
    "none": [("down", 0.6), ("up", 0.4)],
    "DNL": [("down", 0.51), ("up", 0.49)],
    "GTA": [("up", 0.9), ("down", 0.1)],
}


@pytest.fixture
def given() -> dict:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(2, 4, 2, 4)) * 0.1
    matrix[1, :, 0] *= 20
    return {
        "frames": rng.integers(0, 255, (4, 16, 16, 3), dtype=np.uint8),
        "label": "up",
        "predictions": RANKED,
        "matrix": matrix,
        "title": "A title",
    }


def axes_of(figure: Figure) -> list:
    return [axes for part in figure.subfigs for axes in part.axes]


def test_what_is_drawn_is_what_was_given(given: dict):
    axes = axes_of(comparison_figure(**given))
    for t in range(4):
        assert (axes[t].images[0].get_array() == given["frames"][t]).all()
    titles = [one.get_title() for one in axes[4:7]]
    assert titles == ["none: wrong", "DNL: wrong", "GTA: right"]
    for one, ranked in zip(axes[4:7], RANKED.values(), strict=True):
        assert [bar.get_width() for bar in one.patches] == [score for _, score in ranked]
        assert [text.get_text() for text in one.texts] == [f"{c}  {s:.0%}" for c, s in ranked]
    whole, strongest = axes[7].images[0].get_array(), axes[8].images[0].get_array()
    assert np.array_equal(whole, given["matrix"].reshape(8, 8))
    assert np.array_equal(strongest, given["matrix"][1, :, 0])
    assert axes[8].get_title() == "Its strongest part: head 1, group 0"


def test_a_picture_is_written(given: dict, tmp_path: Path):
    draw_comparison(tmp_path / "a.png", **given)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > picture.height > 500
