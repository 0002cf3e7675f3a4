"""Frames that go by one at a time are those that `read_frames` gives, at the times of the file."""

from pathlib import Path

import numpy as np
import pytest

from gta.data.decode import each_frame, frame_times, frames_in_order
from gta.data.decode.in_order import Passage
from gta.errors import VideoError


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mkv", "a.avi", "a.ts"])
def test_the_same_frames_and_times(name: str, tmp_path: Path, write_video):
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path, passage = write_video(tmp_path / name, 30, codec=codec), Passage()
    frames = list(frames_in_order(path, passage))
    expected = list(each_frame(path))
    assert len(frames) == len(expected) == 30
    assert all(np.array_equal(a.image(), b) for a, b in zip(frames, expected, strict=True))
    told = frame_times(path)
    times = told or [i / passage.rate for i in range(30)]
    near = 2e-3 if told else 1 / passage.rate  # an AVI file has the order of coding, and no times
    assert [frame.time for frame in frames] == pytest.approx(times, abs=near + 1e-6)
    assert passage.duration == pytest.approx(30 / passage.rate, abs=near + 1e-6)
    assert (passage.damage, passage.cut_off) == (0, None)


def test_upright_as_a_phone_stores_it(tmp_path: Path, write_video):
    path = write_video(tmp_path / "phone.mp4", 5)
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    turned = (0, 2**16, 0, -(2**16), 0, 0, 0, 0, 2**30)
    data[place : place + 36] = np.array(turned, ">i4").tobytes()
    path.write_bytes(data)
    for frame, expected in zip(frames_in_order(path), each_frame(path), strict=True):
        assert frame.image().shape[0] > frame.image().shape[1]
        assert np.array_equal(frame.image(), expected)


def test_pictures_have_the_rate_that_is_given(tmp_path: Path, write_pictures):
    folder, passage = write_pictures(tmp_path / "frames", 6), Passage()
    frames = list(frames_in_order(folder, passage, fps=4))
    assert [frame.time for frame in frames] == [0, 0.25, 0.5, 0.75, 1, 1.25]
    assert (passage.rate, passage.duration, passage.expected) == (4, 1.5, 1.5)
    assert all(
        np.array_equal(a.image(), b) for a, b in zip(frames, each_frame(folder), strict=True)
    )


def test_what_is_no_video(tmp_path: Path):
    (tmp_path / "empty.mp4").touch()
    for name, said in (("empty.mp4", r"is empty \(0 bytes\)"), ("no.mp4", "no such file")):
        with pytest.raises(VideoError, match=said):
            next(frames_in_order(tmp_path / name))
