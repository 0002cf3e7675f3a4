import os

import av
import numpy as np
import pytest
from PIL import Image

from gta.data.decode import count_frames, decoded_bytes, opening, read_frames, video_file
from gta.data.decode.index import index

SHUFFLED = [11, 0, 5, 5, 10, 3, 7, 0]
UNEVEN = [0, 1, 2, 7, 8, 9, 30, 31, 33, 90, 91, 100]

WRITTEN = {  # name of the file: how it is written
    "closed-gop.mp4": {},
    "b-frames.mp4": {"options": {"bf": "3"}, "gop": 12},
    "open-gop.mkv": {"options": {"bf": "3", "x264-params": "open-gop=1:scenecut=0"}},
    "only-keyframes.mov": {"gop": 1},
    "uneven-times.mp4": {"times": UNEVEN},
    "uneven-times.mkv": {"times": UNEVEN},
    "late-start.mp4": {"times": list(range(60, 72))},
    "fragmented.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "refreshed-bit-by-bit.mp4": {"options": {"x264-params": "intra-refresh=1"}},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "vp8.webm": {"codec": "libvpx"},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2", "qmax": "3"}},
    "h264.avi": {},
    "broadcast.ts": {},
    "windows.wmv": {"codec": "wmv2"},
    "flash.flv": {"codec": "flv"},
    "animated.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "odd-size.mkv": {"codec": "libvpx-vp9", "height": 35, "width": 53},
    "10-bit.mp4": {"pix_fmt": "yuv420p10le"},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_asked_frames_in_the_asked_order(name, tmp_path, write_video, frame_numbers):
    path = write_video(tmp_path / name, **WRITTEN[name])
    height, width = WRITTEN[name].get("height", 48), WRITTEN[name].get("width", 64)
    assert count_frames(path) == 12
    every = read_frames(path)
    assert every.shape == (12, 3, height, width)
    assert frame_numbers(every) == list(range(12))
    some = read_frames(path, SHUFFLED)
    assert frame_numbers(some) == SHUFFLED
    assert some.equal(every[SHUFFLED])
    for i in (0, 6, 11):
        assert read_frames(path, [i]).equal(every[[i]])
    assert decoded_bytes(path) == every.numel()


def test_reading_seeks_to_keyframes(tmp_path, write_video, monkeypatch, frame_numbers):
    path = write_video(tmp_path / "a.mp4", 40, gop=4)
    table = index(path)
    assert len(table.keyframes) >= 10
    monkeypatch.setattr(video_file, "_read_from_start", None)  # would be needed if seeking failed
    assert frame_numbers(read_frames(path, [38, 1, 21])) == [38, 1, 21]


def moving(num_frames: int) -> np.ndarray:
    """A texture that moves, so that every frame is predicted from others: uint8 (T, 48, 64, 3)."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    shifted = [np.roll(texture, (i, 2 * i), (0, 1))[:48, :64] for i in range(num_frames)]
    return np.stack(shifted)


@pytest.mark.parametrize("options", [{"bf": "3"}, {"bf": "2", "x264-params": "b-pyramid=0"}])
def test_frames_that_no_other_needs_are_not_decoded(tmp_path, write_video, monkeypatch, options):
    path = write_video(tmp_path / "a.mp4", images=moving(60), gop=30, options=options)
    every, decoded = read_frames(path), list[int]()

    def decode(*arguments):
        for frame in original(*arguments):
            decoded.append(frame.pts)
            yield frame

    original = video_file.frames
    monkeypatch.setattr(video_file, "frames", decode)
    monkeypatch.setattr(video_file, "_read_from_start", None)
    for wanted in ([57], [3, 28, 29, 30, 59], list(range(1, 60, 7)), list(range(60))):
        decoded.clear()
        assert read_frames(path, wanted).equal(every[wanted])
    assert len(decoded) == 60  # all were asked for
    decoded.clear()
    read_frames(path, [29])
    assert len(decoded) < 25


def test_damage_is_decoded_as_from_the_start(tmp_path, write_video):
    """What FFmpeg puts in the place of a lost picture depends on all that it has decoded."""
    path = write_video(tmp_path / "a.mp4", images=moving(60), gop=60, options={"bf": "3"})
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    start, size = places[20]
    data[start + 4 : start + size] = b"\xff" * (size - 4)
    path.write_bytes(data)
    last = read_frames(path, [59])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        frames = list(opening.frames(container, stream))
    assert np.array_equal(last[0].permute(1, 2, 0), frames[-1].to_ndarray(format="rgb24"))


def test_a_file_is_opened_once_to_count_and_to_read(tmp_path, write_video, monkeypatch):
    path = write_video(tmp_path / "a.mp4", 24, gop=6)
    opened, original = list[str](), av.open
    monkeypatch.setattr(av, "open", lambda *a, **o: opened.append(a[0]) or original(*a, **o))
    frames = read_frames(path, lambda num_frames: [0, num_frames - 1])
    assert opened == [f"file:{path}"]
    assert frames.equal(read_frames(path)[[0, 23]])


def test_frames_outside_of_the_edit_list_are_not_counted(tmp_path, write_video, frame_numbers):
    path = write_video(tmp_path / "trimmed.mp4", options={"bf": "0"}, gop=12)
    times = index(path).times
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 16  # where in the track the video begins
    first = int.from_bytes(data[start : start + 4], "big") + 3 * (times[1] - times[0])
    data[start : start + 4] = first.to_bytes(4, "big")
    path.write_bytes(data)
    assert count_frames(path) == 9
    assert frame_numbers(read_frames(path)) == list(range(3, 12))
    assert frame_numbers(read_frames(path, [8, 0])) == [11, 3]


def test_hidden_vp8_frames_are_not_counted(tmp_path, write_video, frame_numbers):
    shown, path = write_video(tmp_path / "shown.webm", codec="libvpx"), tmp_path / "hidden.webm"
    with av.open(str(shown)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if not packet.size:
                continue
            if packet.is_keyframe and packet.pts:  # again before it, with the bit "show" off
                data = bytes(packet)
                hidden = av.Packet(bytes([data[0] & ~0x10]) + data[1:])
                hidden.time_base, hidden.is_keyframe = packet.time_base, True
                hidden.pts = hidden.dts = packet.pts - 20
                hidden.stream = stream
                target.mux(hidden)
            packet.stream = stream
            target.mux(packet)
    assert path.stat().st_size > shown.stat().st_size
    assert count_frames(path) == 12
    assert frame_numbers(read_frames(path, SHUFFLED)) == SHUFFLED


def test_old_x264_444_is_decoded_alike_after_a_seek(tmp_path, write_video):
    # x264 before version 151 wrote 4:4:4 in its own way; only the first packet tells the version
    rng = np.random.default_rng(2)
    images = []
    for _ in range(12):
        blocks = rng.integers(0, 255, (6, 8, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        images.append(blocks // 2 + rng.integers(0, 120, (48, 64, 3)).astype(np.uint8))
    new = write_video(
        tmp_path / "new.mp4",
        images=np.stack(images),
        pix_fmt="yuv444p",
        gop=6,
        options={"crf": "32"},
    )
    data = new.read_bytes()
    start = data.index(b"x264 - core ") + 12
    old = tmp_path / "old.mp4"
    old.write_bytes(data[:start] + b"142" + data[start + 3 :])
    every = read_frames(old)
    assert not every[6:10].equal(read_frames(new)[6:10])  # the version does matter here
    for i in range(12):
        assert read_frames(old, [i]).equal(every[[i]])


def test_a_file_that_changes_is_read_anew(tmp_path, write_video):
    path = write_video(tmp_path / "a.mp4", 12)
    assert count_frames(path) == 12
    write_video(path, 5)
    assert count_frames(path) == 5
    assert len(read_frames(path)) == 5


def test_a_folder_that_changes_is_read_anew(tmp_path, write_pictures):
    folder = write_pictures(tmp_path / "a", 3)
    assert count_frames(folder) == 3
    write_pictures(folder, 2, name="1{:04d}.jpg")
    later = folder.stat().st_mtime_ns + 10**9  # some file systems tell the time coarsely
    os.utime(folder, ns=(later, later))
    assert count_frames(folder) == 5


@pytest.mark.parametrize("num_frames", [1, 3])
def test_short_videos(tmp_path, write_video, frame_numbers, num_frames):
    path = write_video(tmp_path / "short.mp4", num_frames)
    assert count_frames(path) == num_frames
    assert frame_numbers(read_frames(path)) == list(range(num_frames))
    assert frame_numbers(read_frames(path, [num_frames - 1] * 4)) == [num_frames - 1] * 4


@pytest.mark.parametrize("name", ["{:05d}.jpg", "img_{}.png", "{}.JPEG"])
def test_folder_of_pictures_in_natural_order(tmp_path, write_pictures, frame_numbers, name):
    folder = write_pictures(tmp_path / "video", name=name)
    (folder / ".hidden.jpg").write_text("not a picture")
    (folder / "LICENSE").write_text("none")
    assert count_frames(folder) == 12
    assert frame_numbers(read_frames(folder)) == list(range(12))
    assert frame_numbers(read_frames(folder, SHUFFLED)) == SHUFFLED
    assert decoded_bytes(folder) == 12 * 3 * 48 * 64


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_pictures_of_other_modes_become_rgb(tmp_path, mode):
    picture = Image.new("RGB", (20, 10), (90, 90, 90)).convert(mode)
    picture.save(tmp_path / ("1.jpg" if mode == "CMYK" else "1.png"))
    frames = read_frames(tmp_path, [0, 0])
    assert frames.shape == (2, 3, 10, 20)
    assert abs(frames.float().mean() - 90) < 2
