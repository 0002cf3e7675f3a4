"""The curves of a training."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gta.figures.curves import curves_figure, draw_curves

ENTRY = {"lr": 0.1, "train_loss": 1.5, "train_top1": 0.25, "val_top1": 0.5, "val_top5": 1.0}


def entry(epoch: int, **more: float) -> dict[str, float]:
    return {"epoch": epoch, **ENTRY, "seconds": 3.0 * epoch, "waited": 1.0, **more}


def test_a_line_for_each_figure_and_none_for_what_no_entry_has():
    history = [entry(1), entry(2, val_loss=0.75, val_top5=0.5)]
    figure = curves_figure(history, "a $run$")
    loss, accuracy, rate, time = figure.axes
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), [np.nan, 0.75])
    assert [line.get_label() for line in accuracy.lines][-1] == "validation, top-5"
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), [0.1, 0.1])
    np.testing.assert_array_equal(time.lines[0].get_ydata(), [3, 6])
    first = curves_figure(history[:1], "run").axes
    assert len(first[0].lines) == 1  # an earlier version wrote no validation loss
    assert len(first[1].lines) == 2  # top-5 of few classes is always 1


def test_it_is_written_whole_or_not_at_all(tmp_path: Path):
    file = tmp_path / "curves.png"
    draw_curves(file, [entry(1)], "run")
    before = file.read_bytes()
    with Image.open(file) as picture:
        assert picture.width > 600
    with pytest.raises(AttributeError):
        draw_curves(file, [None], "run")  # type: ignore[list-item]
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]
