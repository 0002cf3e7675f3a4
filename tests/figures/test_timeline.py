from pathlib import Path

import numpy as np
from PIL import Image

from gta.figures.label_strip import label_strip
from gta.figures.timeline import MOST_ROWS, draw_timeline, timeline_figure


def names(figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_a_second_of_ten_hours_is_seen(tmp_path: Path):
    spans = [("a", 0.0, 18_000.0, 0.9), ("b $x$", 18_000.0, 18_001.0, 0.9)]
    figure = timeline_figure(spans, 36_000, "film.mp4")
    assert names(figure) == ["a  5.0 h", r"b \$x\$  1.0 s"]
    (image,) = figure.axes[0].get_images()
    colors = np.asarray(image.get_array())
    half = colors.shape[1] // 2
    assert (colors[0, :half] < 1).any(-1).all()
    assert (colors[0, half:] == 1).all()
    column = colors[1].min(-1)
    assert column.argmin() == half
    assert column.min() < 0.8
    assert (np.delete(column, half) == 1).all()
    draw_timeline(tmp_path / "t.png", spans, 36_000, "film.mp4")
    # no column of the picture falls between two pixels
    assert Image.open(tmp_path / "t.png").width > 1.1 * colors.shape[1]


def test_many_labels_and_none():
    spans = [(f"class {i}", float(i), i + 1 + i / 100, 0.5) for i in range(40)]
    figure = timeline_figure(spans, 41, "film.mp4")
    assert len(names(figure)) == MOST_ROWS + 1
    assert names(figure)[-1] == "16 others"
    assert names(figure)[0].startswith("class 16")
    assert names(timeline_figure([], 5, "film.mp4")) == ["nothing"]


def test_a_strip_has_the_size_of_its_frame():
    strip = label_strip("Putting something on a table " * 9, 320, 240)
    assert strip.shape == (22, 320, 4)
    assert strip[..., 3].min() == 153
    bright = (strip[..., :3] > 200).all(-1).any(0)
    assert 200 < bright.nonzero()[0].max() < 319  # cut, not run over the edge
    assert label_strip("a", 33, 9).shape == (9, 33, 4)
