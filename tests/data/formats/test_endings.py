"""The endings that count as videos, and that files under them are read."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gta.data.decode import read_frames
from gta.data.formats.endings import VIDEO_SUFFIXES, is_video_name
from gta.data.formats.folder import VIDEO_SUFFIXES as OF_FOLDER
from gta.data.formats.folder import read_folder

DOCS = Path(__file__).parents[3] / "docs/data.md"


def test_each_ending_is_there_once():
    assert len(set(VIDEO_SUFFIXES)) == len(VIDEO_SUFFIXES)
    assert all(re.fullmatch(r"\.[a-z0-9-]+", suffix) for suffix in VIDEO_SUFFIXES)
    assert OF_FOLDER is VIDEO_SUFFIXES


@pytest.mark.parametrize("name", ["a.MP4", "b c.m2ts", "VTS_01_1.VOB", "x.dvr-ms", "run.1.divx"])
def test_names_of_videos(name: str):
    assert is_video_name(name)
    assert is_video_name(Path("folder") / name)


@pytest.mark.parametrize("name", ["a.jpg", "mp4", ".mp4", "a.mp4.part", "a.lrv", "a.webp", "a.dat"])
def test_other_names(name: str):
    assert not is_video_name(name)


def test_the_page_lists_them():
    assert set(re.findall(r"`(\.[a-z0-9-]+)`", DOCS.read_text())) >= set(VIDEO_SUFFIXES)


@pytest.mark.parametrize(
    ("ending", "form", "codec"),
    [
        ("m2ts", "mpegts", "libx264"),
        ("mts", "mpegts", "libx264"),
        ("vob", "vob", "mpeg2video"),
        ("mod", "vob", "mpeg2video"),
        ("asf", "asf", "wmv2"),
        ("wtv", "wtv", "mpeg2video"),
        ("divx", "avi", "mpeg4"),
        ("3g2", "3g2", "libx264"),
        ("f4v", "mp4", "libx264"),
        ("m2v", "mpeg2video", "mpeg2video"),
        ("h264", "h264", "libx264"),
        ("rm", "rm", "rv20"),
        ("nut", "nut", "mpeg4"),
        ("ivf", "ivf", "libvpx"),
    ],
)
def test_files_of_cameras_and_recorders(tmp_path: Path, ending: str, form: str, codec: str):
    for name in ("jump", "run"):
        path = tmp_path / "root" / name / f"clip.{ending}"
        path.parent.mkdir(parents=True)
        with av.open(str(path), "w", format=form) as container:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
            for i in range(6):
                image = np.full((48, 64, 3), 40 * i, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    listed = read_folder(tmp_path / "root", "train")
    assert [video.id for video in listed.videos] == [f"jump/clip.{ending}", f"run/clip.{ending}"]
    frames = read_frames(listed.videos[0].path)
    assert [round(g / 40) for g in frames.float().mean((1, 2, 3)).tolist()] == list(range(6))
