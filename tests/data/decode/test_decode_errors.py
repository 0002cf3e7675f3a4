"""Everything strange ends in one error type, with a reason that a person understands."""

import contextlib
import os
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from gta.data.decode import count_frames, decoded_bytes, opening, read_frames
from gta.errors import UsageError, VideoError

TEXT = "not a video that FFmpeg knows (is it a text file?)"
OTHER = "not a video that FFmpeg can open (damaged, cut off, or another kind of file)"


def reason(path: Path, read=read_frames) -> str:
    with pytest.raises(VideoError) as caught:
        read(path)
    assert caught.value.path == str(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


@pytest.mark.parametrize("read", [count_frames, read_frames, decoded_bytes])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty (0 bytes)"),
        (b"These are not the frames you are looking for.\n" * 9, TEXT),
        (bytes(range(256)) * 9, OTHER),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), OTHER),
    ],
    ids=["empty", "text", "bytes", "picture"],
)
def test_no_video(tmp_path, content, expected, read):
    path = tmp_path / "renamed.mp4"
    path.write_bytes(content)
    assert reason(path, read) == expected


@pytest.mark.parametrize("read", [count_frames, read_frames, decoded_bytes])
def test_nothing_there(tmp_path, read):
    assert reason(tmp_path / "gone.mp4", read) == "no such file"
    (tmp_path / "link.mp4").symlink_to("elsewhere/gone.mp4")
    told = "a link to elsewhere/gone.mp4, which is not there"
    assert reason(tmp_path / "link.mp4", read) == told
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("")
    assert (
        reason(tmp_path / "folder", read) == "is a folder without pictures (.jpg, .jpeg, .png ...)"
    )


def test_no_permission(tmp_path, write_video):
    path = write_video(tmp_path / "secret.mp4")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything
        os.seteuid(65534)
    try:
        assert reason(path) == "no permission to read it"
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{video}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{video}'\n",
        "file '{video}'\n",
    ],
    ids=["m3u8", "ffconcat", "concat"],
)
def test_playlists_are_refused(tmp_path, write_video, text):
    video = write_video(tmp_path / "secret.ts")
    for name in ("list.mp4", "list.m3u8", "list.ffconcat"):
        path = tmp_path / name
        path.write_text(text.format(video=video))
        assert reason(path) == TEXT


@pytest.mark.parametrize("name", ["sound.mp4", "sound.wav"])
def test_audio_only(tmp_path, name):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac" if name.endswith("mp4") else "pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    assert reason(path) == "has no video stream (audio only)"


def test_header_without_frames(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"GIF89a\1\0\1\0\0\0\0;")
    for read in (count_frames, read_frames, decoded_bytes):
        assert reason(path, read) == "no frame could be decoded"


def test_unknown_compression(tmp_path, write_video):
    path = write_video(tmp_path / "a.avi")
    path.write_bytes(path.read_bytes().replace(b"H264", b"XYZW"))
    assert reason(path) == "its kind of compression is not known to FFmpeg"


def test_frames_too_large(tmp_path, write_video, monkeypatch):
    path = write_video(tmp_path / "a.mp4")
    monkeypatch.setattr(opening, "MAX_PIXELS", 64 * 48 - 1)
    assert reason(path) == "its frames of 64x48 pixels are too large to decode"


def test_titles_in_any_encoding(tmp_path, write_video, frame_numbers):
    path = tmp_path / "titled.mkv"
    with av.open(str(write_video(tmp_path / "a.mkv"))) as source, av.open(str(path), "w") as target:
        target.metadata["title"] = "café"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    data = path.read_bytes()
    assert "café".encode() in data
    path.write_bytes(data.replace("café".encode(), b"caf\xe9\xe9"))
    assert frame_numbers(read_frames(path, [7])) == [7]


@pytest.mark.parametrize("index", [12, -1])
def test_a_frame_that_does_not_exist(tmp_path, write_video, write_pictures, index):
    for path in (write_video(tmp_path / "a.mp4"), write_pictures(tmp_path / "b")):
        expected = f"frame {index} was asked for; it has 12 (from 0)"
        assert reason(path, lambda path: read_frames(path, [0, index])) == expected


@pytest.mark.parametrize(
    "indices",
    [
        *([0.5], [1.0], [True], ["1"], [None], [[1]], 3, "12"),
        *(np.array([0.0, 2.0]), np.array([True, False]), np.array([[1]]), [np.float32(1)]),
        *(torch.tensor([0.0]), torch.tensor([True]), torch.tensor([[1]]), torch.tensor(1)),
        lambda count: [count / 2],
    ],
    ids=lambda indices: "a half" if callable(indices) else repr(indices),
)
def test_frames_are_asked_for_by_whole_numbers(tmp_path, write_video, write_pictures, indices):
    for path in (write_video(tmp_path / "a.mp4"), write_pictures(tmp_path / "b")):
        with pytest.raises(UsageError, match=r"whole numbers, from 0, such as \[0, 8, 16\]; got"):
            read_frames(path, indices)


def test_whole_numbers_of_any_library(tmp_path, write_video, frame_numbers):
    path = write_video(tmp_path / "a.mp4")
    for indices in (
        *(np.array([3, 5], np.uint8), torch.tensor([3, 5]), (3, np.int64(5)), range(3, 6, 2)),
        [torch.tensor(3), 5],
    ):
        assert frame_numbers(read_frames(path, indices)) == [3, 5]


def test_no_frames_are_asked_for(tmp_path, write_video):
    with pytest.raises(UsageError, match="no frames were asked for: give their numbers, or None"):
        read_frames(write_video(tmp_path / "a.mp4"), [])


@pytest.mark.parametrize("name", ["a.webm", "a.mp4", "a.avi"])
def test_cut_off_files_give_what_is_there(tmp_path, write_video, frame_numbers, name):
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    path = write_video(
        tmp_path / name,
        40,
        gop=1,
        codec=codec,
        container_options={"movflags": "faststart"} if name == "a.mp4" else None,
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    n = count_frames(path)
    assert 2 < n < 40
    assert frame_numbers(read_frames(path)) == list(range(n))


def test_damage_names_the_frame(tmp_path, write_video, frame_numbers):
    path = write_video(tmp_path / "a.mp4", gop=1, options={"x264-params": "sliced-threads=0"})
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start, size = packets[7].pos, packets[7].size
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    assert count_frames(path) == 12
    expected = "frame 7 cannot be decoded; 11 of its 12 frames can (damaged or cut off?)"
    assert reason(path) == expected
    assert frame_numbers(read_frames(path, [11, 6])) == [11, 6]


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.avi", "a.gif"])
def test_random_damage_gives_frames_or_a_video_error(tmp_path, write_video, name):
    codecs = {"a.webm": {"codec": "libvpx-vp9"}, "a.gif": {"codec": "gif", "pix_fmt": "rgb8"}}
    whole = write_video(tmp_path / name, **codecs.get(name, {})).read_bytes()
    rng, readable = np.random.default_rng(0), 0
    for i in range(40):
        data = bytearray(whole[: len(whole) if i % 2 else rng.integers(len(whole))])
        for place in rng.integers(max(len(data), 1), size=i % 8 if data else 0):
            data[place] = rng.integers(256)
        path = tmp_path / f"{i}{name}"
        path.write_bytes(data)
        with contextlib.suppress(VideoError):
            n = count_frames(path)
            readable += len(read_frames(path, [0, n // 2])) == 2
    assert readable > 0


def test_pictures_of_different_sizes(tmp_path, write_pictures):
    folder = write_pictures(tmp_path / "a", 2)
    write_pictures(folder, 1, height=10, width=20, name="9{}.jpg")
    expected = "its pictures differ in size: 00002.jpg is 64x48, 91.jpg is 20x10"
    assert reason(folder) == expected
    assert read_frames(folder, [0, 1]).shape == (2, 3, 48, 64)


def test_damaged_pictures(tmp_path, write_pictures):
    folder = write_pictures(tmp_path / "a", 3)
    whole = (folder / "00002.jpg").read_bytes()
    (folder / "00002.jpg").write_bytes(whole[:200])
    assert reason(folder).startswith("00002.jpg is not a readable JPEG or PNG: ")
    (folder / "00002.jpg").write_text("text")
    assert reason(folder).startswith("00002.jpg is not a readable JPEG or PNG: ")
    assert len(read_frames(folder, [0, 2])) == 2


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_picture_that_claims_to_be_huge(tmp_path, side):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data = header + struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 99) + b"IDAT"
    (tmp_path / "1.png").write_bytes(data)
    expected = {
        9_000: "1.png claims 9000x9000 pixels, too many to decode",
        60_000: "1.png is not a readable JPEG or PNG: Image size (3600000000 pixels) exceeds",
    }
    assert reason(tmp_path).startswith(expected[side])
