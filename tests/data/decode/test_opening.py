"""A name is a name, whatever FFmpeg would make of it."""

import os
import shutil
from pathlib import Path

import pytest

from gta.data.decode import announced_frames, count_frames, read_frames
from gta.errors import VideoError

NAMES = [
    *("12:30:05.mp4", "concat:a.mp4", "file:b.mp4", "file:", "pipe:0", "http:x.mp4", "data:,a.mp4"),
    *("frame%03d.mp4", "what?.mp4", "take#2.mp4", "*.mp4", "-i.mp4", "a|b.mp4", "two\nlines.mp4"),
    *("back\\slash.mp4", "~.mp4", "subfile,,start,0,end,9,,:a.mp4", os.fsdecode(b"caf\xe9.mp4")),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name(tmp_path, monkeypatch, write_video, frame_numbers, name):
    try:
        shutil.copy(write_video(tmp_path / "plain.mp4"), tmp_path / name)
    except (OSError, ValueError):
        pytest.skip("this file system has no such names")
    monkeypatch.chdir(tmp_path)
    assert count_frames(Path(name)) == announced_frames(Path(name)) == 12
    assert frame_numbers(read_frames(Path(name), [7, 0])) == [7, 0]
    assert len(read_frames(tmp_path / name)) == 12


@pytest.mark.parametrize("name", ["concat:plain.mp4|plain.mp4", "http://127.0.0.1:9/a.mp4"])
def test_nothing_but_files_is_opened(tmp_path, monkeypatch, write_video, name):
    write_video(tmp_path / "plain.mp4")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VideoError, match="no such file"):
        read_frames(Path(name))
