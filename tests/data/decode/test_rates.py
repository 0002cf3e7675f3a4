"""Frames per second, and the frames that should be there, by what is true of the file."""

from fractions import Fraction

import av
import numpy as np
import pytest

from gta.data.decode import (
    announced_frames,
    count_frames,
    frame_rate,
    frame_times,
    pixel_aspect,
    read_frames,
)

UNEVEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 32, 60]
"""Times of frames in twelfths of a second: eleven steps in five seconds."""


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts", "a.flv", "a.webm"])
def test_variable_rates(tmp_path, write_video, name):
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    path = write_video(tmp_path / name, codec=codec, times=UNEVEN)
    assert frame_rate(path) == pytest.approx(11 / 5, rel=1e-3)
    assert announced_frames(path) in (None, 12)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts", "a.flv", "a.avi", "a.webm"])
def test_even_rates_are_those_of_the_header(tmp_path, write_video, name):
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    path = write_video(tmp_path / name, 30, codec=codec)
    assert frame_rate(path) == 12
    assert announced_frames(path) in (None, 30)


def test_no_rate_in_the_header(tmp_path, write_video):
    path = write_video(
        tmp_path / "a.webm", 24, codec="libvpx-vp9", times=[2 * i for i in range(24)]
    )
    data = bytearray(path.read_bytes())
    place = data.index(bytes.fromhex("23e383"))  # DefaultDuration becomes Void
    size = 4 + (data[place + 3] & 0x7F)
    data[place : place + size] = bytes([0xEC, 0x80 | size - 2]) + bytes(size - 2)
    path.write_bytes(data)
    assert frame_rate(path) == pytest.approx(6, rel=1e-3)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.webm"])
def test_a_late_first_time(tmp_path, write_video, name):
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    path = write_video(tmp_path / name, 16, codec=codec, times=range(100, 116))
    assert announced_frames(path) == 16
    assert frame_rate(path) == 12


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi", "a.flv"])
def test_sound_that_is_longer(tmp_path, name):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=12)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        sound = container.add_stream("aac", rate=8000)
        packets = []
        for i in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * i, np.uint8))
            frame.pts = i
            packets += video.encode(frame)
        for i in range(50):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
            silence.sample_rate, silence.pts = 8000, 800 * i
            silence.time_base = Fraction(1, 8000)
            packets += sound.encode(silence)
        packets += [*video.encode(), *sound.encode()]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    assert count_frames(path) == 12
    assert announced_frames(path) == 12


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi", "a.webm"])
def test_cut_off(tmp_path, write_video, name):
    path = write_video(
        tmp_path / name,
        40,
        gop=1,
        codec="libvpx-vp9" if name == "a.webm" else "libx264",
        container_options={"movflags": "faststart"} if name == "a.mp4" else None,
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert count_frames(path) < 37
    assert announced_frames(path) == 40


def test_times_of_frames(tmp_path, write_video, write_pictures):
    path = write_video(tmp_path / "a.mp4", times=[t + 60 for t in UNEVEN])
    assert frame_times(path) == pytest.approx([time / 12 for time in UNEVEN])
    assert frame_times(write_video(tmp_path / "a.avi")) is None
    assert frame_times(write_pictures(tmp_path / "pictures")) is None


def test_pixels_that_are_not_square(tmp_path, write_video, write_pictures):
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert pixel_aspect(path) == pytest.approx(16 / 11)
    assert read_frames(path).shape == (1, 3, 48, 64)  # as they are stored
    assert pixel_aspect(write_video(tmp_path / "a.mp4")) == 1
    assert pixel_aspect(write_pictures(tmp_path / "pictures")) == 1
