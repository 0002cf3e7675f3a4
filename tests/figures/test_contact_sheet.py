from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gta.figures.contact_sheet import contact_sheet, draw_contact_sheet


@pytest.mark.parametrize(("num_clips", "num_frames"), [(1, 1), (3, 4), (11, 20)])
def test_what_is_drawn_is_what_was_given(num_clips: int, num_frames: int):
    clips = np.random.default_rng(0).integers(
        0, 255, (num_clips, num_frames, 8, 8, 3), dtype=np.uint8
    )
    titles = [f"class {i}" for i in range(num_clips)]
    figure = contact_sheet(clips, titles)
    assert len(figure.subfigs) == min(num_clips, 8)
    for part, clip, title in zip(figure.subfigs, clips, titles, strict=False):
        text = part.get_suptitle()
        assert text == title
        drawn = [axes.images[0].get_array() for axes in part.axes]
        assert len(drawn) == min(num_frames, 8)
        assert np.array_equal(drawn[0], clip[0])
        assert np.array_equal(drawn[-1], clip[-1])


def test_a_picture_is_written(tmp_path: Path):
    draw_contact_sheet(tmp_path / "a.png", np.zeros((3, 4, 8, 8, 3), np.uint8), ["a", "b", "c"])
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > picture.height > 300
