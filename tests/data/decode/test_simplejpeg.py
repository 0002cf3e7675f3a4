"""With simplejpeg, where it is installed, pictures are as without it."""

import numpy as np
import pytest
from PIL import Image

from gta.data.decode import pixels, read_frames
from gta.errors import VideoError

pytest.importorskip("simplejpeg")

KINDS = {
    "4:2:0": ("RGB", {"subsampling": 2}),
    "4:2:2": ("RGB", {"subsampling": 1}),
    "4:4:4": ("RGB", {"subsampling": 0}),
    "gray": ("L", {}),
    "progressive": ("RGB", {"progressive": True}),
    "cmyk": ("CMYK", {}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(64, 48), (71, 35)])
def test_the_same_pixels(tmp_path, monkeypatch, kind, size):
    mode, options = KINDS[kind]
    rng = np.random.default_rng(0)
    for i in range(3):
        image = rng.integers(0, 256, (8, 10, 3)).astype(np.uint8)
        Image.fromarray(image).resize(size).convert(mode).save(tmp_path / f"{i}.jpg", **options)
    fast = read_frames(tmp_path)
    monkeypatch.setattr(pixels, "simplejpeg", None)
    assert fast.equal(read_frames(tmp_path))


def test_damaged(tmp_path, write_pictures):
    file = write_pictures(tmp_path / "a", 1) / "00001.jpg"
    whole = file.read_bytes()
    for length in (len(whole) - 20, 400, 10):
        file.write_bytes(whole[:length])
        with pytest.raises(VideoError, match=r"00001.jpg is not a readable JPEG or PNG: "):
            read_frames(tmp_path / "a")
