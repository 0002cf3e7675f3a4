"""What a file may ask of the machine, before anything of that is done: memory, time, decoders."""

import contextlib
import os
import socket
import struct
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from gta.data.dataset import TrainingClips, ViewClips
from gta.data.decode import codecs, count_frames, opening, read_frames
from gta.data.decode.codecs import known_flaws
from gta.data.decode.mp4_claims import MAX_SAMPLES
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import TrainTransform, ViewTransform, resize_frames
from gta.errors import VideoError


def reason(path: Path) -> str:
    with pytest.raises(VideoError) as caught:
        read_frames(path)
    return caught.value.reason


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [("magicyuv", "yuv420p"), ("utvideo", "yuv420p"), ("zmbv", "bgr0"), ("asv1", "yuv420p")],
)
def test_a_codec_that_no_camera_writes(tmp_path, write_video, codec, pix_fmt):
    path = write_video(tmp_path / "a.avi", codec=codec, pix_fmt=pix_fmt)
    told = reason(path)
    assert told.startswith(f"its kind of compression, {codec}, is not read: no camera")
    assert told.endswith("Convert it: ffmpeg -i IN -c:v libx264 -crf 12 OUT.mp4")


@pytest.mark.parametrize(
    ("end", "codec", "pix_fmt"),
    [
        *(("avi", "mjpeg", "yuvj420p"), ("mov", "prores_ks", "yuv422p10le")),
        *(("avi", "msmpeg4", "yuv420p"), ("avi", "huffyuv", "yuv422p"), ("mkv", "ffv1", "bgr0")),
        *(("wmv", "wmv2", "yuv420p"), ("flv", "flv", "yuv420p"), ("avi", "rawvideo", "bgr24")),
        *(("mpg", "mpeg1video", "yuv420p"), ("webm", "libvpx-vp9", "yuv420p")),
        ("avi", "png", "rgb24"),
        ("mov", "qtrle", "rgb24"),
    ],
)
def test_what_cameras_and_data_sets_write(
    tmp_path, write_video, frame_numbers, end, codec, pix_fmt
):
    with av.open(str(tmp_path / f"a.{end}"), "w") as container:
        rate = 25 if codec == "mpeg1video" else 12
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = 48, 64, pix_fmt
        for i in range(6):
            image = np.full((48, 64, 3), 10 + 6 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    if codec == "qtrle":  # of screens, not of cameras
        assert "qtrle, is not read" in reason(tmp_path / f"a.{end}")
    else:
        assert frame_numbers(read_frames(tmp_path / f"a.{end}")) == list(range(6))


def test_every_name_on_the_list_is_one_of_ffmpegs():
    there = set[str]()
    for name in av.codecs_available:
        with contextlib.suppress(ValueError):  # an encoder
            there.add(av.Codec(name, "r").canonical_name)
    assert there >= codecs.VIDEO


def boxes(kind: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def movie(*tables: bytes, edits: int = 0) -> bytes:
    """An MP4 file with a track of these tables and nothing else: a kilobyte at most."""
    elst = boxes(b"elst", struct.pack(">II", 0, edits), bytes(12 * edits))
    handler = boxes(b"hdlr", struct.pack(">II", 0, 0), b"vide", bytes(13))
    stbl = boxes(b"stbl", *tables)
    media = boxes(b"mdia", handler, boxes(b"minf", stbl))
    track = boxes(b"trak", boxes(b"edts", elst), media)
    return boxes(b"ftyp", b"isom", bytes(4)) + boxes(b"moov", track)


def sizes(size: int, count: int) -> bytes:
    return boxes(b"stsz", struct.pack(">III", 0, size, count))


@pytest.mark.parametrize(
    ("content", "claimed"),
    [
        (movie(sizes(1, 10**9)), 10**9),
        (movie(sizes(4, 10**6), edits=30), 30 * 10**6),
        (
            boxes(b"ftyp", b"isom", bytes(4))
            + boxes(b"moof", boxes(b"traf", boxes(b"trun", struct.pack(">II", 0, 2**31)))),
            2**31,
        ),
    ],
    ids=["samples of one size", "edits of one list", "a fragment of defaults"],
)
def test_an_index_that_would_fill_the_memory(tmp_path, content, claimed):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert reason(path) == (
        f"its index claims {claimed:,} samples, more than {MAX_SAMPLES:,}: damaged, or made to "
        f"fill the memory"
    )


def test_claims_are_added_up_once_for_a_file_that_has_not_changed(
    tmp_path, write_video, monkeypatch
):
    path, looked, check = write_video(tmp_path / "a.mp4"), [], opening.check_claims
    monkeypatch.setattr(opening, "check_claims", lambda *a: looked.append(a) or check(*a))
    for indices in ([0], [5], None):
        read_frames(path, indices)
    assert len(looked) == 1
    path.write_bytes(movie(sizes(1, 10**9)))
    assert reason(path).startswith("its index claims")


def test_a_table_cannot_claim_more_than_it_holds(tmp_path):
    (tmp_path / "a.mp4").write_bytes(movie(sizes(0, 2**32 - 1)))
    assert reason(tmp_path / "a.mp4").startswith("not a video that FFmpeg can open")


def test_frames_too_large_are_not_decoded_to_find_out(tmp_path, write_video, monkeypatch):
    path, given, opened = write_video(tmp_path / "a.mp4"), list[dict](), av.open
    monkeypatch.setattr(opening.av, "open", lambda *a, **k: given.append(k) or opened(*a, **k))
    count_frames(path)
    assert given
    assert all(k["options"]["max_pixels"] == str(opening.MAX_PIXELS) for k in given)
    assert all(k["container_options"]["codec_whitelist"] for k in given)


def test_opening_takes_at_most_so_long(tmp_path, write_video, monkeypatch):
    path = write_video(tmp_path / "a.mp4")
    monkeypatch.setattr(opening, "OPENING", 1e-9)
    monkeypatch.setattr(opening.time, "thread_time", iter([0.0, 1.0]).__next__)
    told = "could not be opened in 1e-09 s: damaged, or made to be slow"
    assert reason(path) == told


def test_a_slow_disk_is_waited_for(tmp_path, write_video, frame_numbers, monkeypatch):
    path = write_video(tmp_path / "a.mp4")
    monkeypatch.setattr(opening, "OPENING", 1e-9)
    monkeypatch.setattr(opening.time, "thread_time", lambda: 0.0)
    assert frame_numbers(read_frames(path, [7])) == [7]


@pytest.mark.parametrize("place", ["a.mp4", "folder/00003.jpg"])
def test_what_would_never_end_is_no_file(tmp_path, write_pictures, place):
    write_pictures(tmp_path / "folder", 2)
    path = tmp_path / place
    os.mkfifo(path)
    video = path if path.suffix == ".mp4" else path.parent
    with pytest.raises(VideoError) as caught:
        read_frames(video)
    assert str(caught.value) == f"{path}: is a named pipe, not a file"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path))
        with pytest.raises(VideoError, match="is a socket, not a file"):
            read_frames(video)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(VideoError, match="is a device, not a file"):
        read_frames(video)


def test_what_is_known_of_versions():
    assert known_flaws("8.1.2") == known_flaws("9.0") == known_flaws("N-120061-gd4e6d8d") == []
    assert [name.split(" ")[0] for name in known_flaws("8.1.1")] == ["CVE-2026-8461"]
    assert known_flaws("7.1") == ["CVE-2026-40962", *known_flaws("8.1")]
    assert known_flaws("8.0.3") == known_flaws("7.1.5") == known_flaws("n8.0.3-2-g1") == []
    assert known_flaws("8.0.2") == known_flaws("7.1.4") == known_flaws("7.0.9") != []
    assert known_flaws("6.1.6") == ["CVE-2026-40962"]
    assert known_flaws() == known_flaws(av.ffmpeg_version_info)


@pytest.mark.parametrize("kind", ["video", "pictures"])
@pytest.mark.parametrize("part", ["views", "training", "training with jitter"])
def test_frames_are_made_small_one_by_one(tmp_path, write_video, write_pictures, kind, part):
    """Of 30 frames of 600x800, 43 MB in all, two or three are there at a time."""
    if kind == "video":
        path = write_video(tmp_path / "a.mp4", 30, height=600, width=800)
    else:
        path = write_pictures(tmp_path / "a", 30, height=600, width=800)
    videos = VideoList([Video("a", path, 0)], ["a"])
    if part == "views":
        transform = ViewTransform(size=32, resize=32, places=(0, 1, 2))
        clips = ViewClips(videos, num_frames=10, transform=transform, num_clips=3)
        key = 0
    else:
        jitter = (40, 48) if "jitter" in part else None
        transform = TrainTransform(
            size=32, resize=None if jitter else (40, 40), scale_jitter=jitter
        )
        clips = TrainingClips(videos, num_frames=30, transform=transform, flip="off", seed=0)
        key = (0, 0)
    tracemalloc.start()
    try:
        assert clips[key].clip is not None
        assert tracemalloc.get_traced_memory()[1] < 6 * 600 * 800 * 3
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("resize", [20, (30, 50), None])
def test_one_by_one_gives_the_same_pixels(tmp_path, write_video, resize):
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mp4", images=images)
    whole = read_frames(path, [8, 0, 3, 3])
    each = read_frames(path, [8, 0, 3, 3], change=lambda frame: resize_frames(frame, resize))
    assert torch.equal(resize_frames(whole, resize), each)


def test_a_clip_is_cropped_as_it_was_when_all_frames_were_held(tmp_path, write_video):
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mp4", images=images)
    videos = VideoList([Video("a", path, 0)], ["a"])
    for jitter in (None, (40, 48)):
        transform = TrainTransform(size=32, resize=None, scale_jitter=jitter)
        clips = TrainingClips(videos, num_frames=4, transform=transform, flip="off", seed=3)
        rng = np.random.default_rng([3, 0, 0])
        rng.random()
        shown = clips.sampling(9, 4, fps=None, rng=rng)
        expected = transform(read_frames(path, shown), rng)
        assert torch.equal(clips[0, 0].clip, expected)
