from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gta.figures.comparison import Shown, comparison_figure, draw_comparison
from gta.figures.matrices import Matrix

ACCURACIES = {"none": 0.43, "DNL": 0.55, "GTA": 0.97}


@pytest.fixture
def given() -> dict:
    rng = np.random.default_rng(0)
    clips = [
        Shown(
            rng.integers(0, 255, (4, 16, 16, 3), dtype=np.uint8),
            label,
            {"none": ("down", 0.6), "DNL": ("down", 0.51), "GTA": ("up", 0.9)},
        )
        for label in ("up", "down")
    ]
    matrix = Matrix("a", "pixel", rng.normal(size=(2, 4, 2, 4)), rng.normal(size=(4, 4)))
    return {
        "clips": clips,
        "accuracies": ACCURACIES,
        "ceiling": 0.58,
        "matrix": matrix,
        "title": "A title",
    }


def test_what_is_drawn_is_what_was_given(given: dict):
    figure = comparison_figure(**given)
    bars, *others = figure.axes
    heights = [bar.get_height() for bar in bars.patches]
    assert heights == pytest.approx([43, 55, 58, 97])
    assert [text.get_text() for text in bars.texts] == ["43.0%", "55.0%", "58.0%", "97.0%"]
    names = [label.get_text() for label in bars.get_xticklabels()]
    assert names == ["none", "DNL", "best without\nthe order", "GTA"]
    pictures = [axes.images[0].get_array() for axes in others if axes.images]
    frames = [frame for clip in given["clips"] for frame in clip.frames]
    for drawn, frame in zip(pictures[:8], frames, strict=True):
        assert np.array_equal(drawn, frame)
    assert np.array_equal(pictures[8], given["matrix"].added)
    said = [text.get_text() for text in figure.texts]
    for text in ("A title", "“up”", "“down”", "✗ none, 60%", "✓ GTA, 90%"):
        assert text in said
    assert "✗ GTA, 90%" in said  # of the other clip


def test_a_picture_is_written(given: dict, tmp_path: Path):
    draw_comparison(tmp_path / "a.png", **given)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > picture.height > 500
