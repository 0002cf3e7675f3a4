"""Files in which packets are not the frames, or not in their order: frames are the decoder's."""

from pathlib import Path

import av
import numpy as np
import pytest

from gta.data.decode import count_frames, each_frame, read_frames
from gta.data.decode.index import forget, index
from gta.data.decode.packet_headers import may_begin, shown_frames

from .field_pictures import field_coded

HEVC = "log-level=none:keyint=12:min-keyint=12:open-gop=0:scenecut=0"
VOP = b"\0\0\1\xb6"


def copy(source: Path, target: Path, change=None, *, begin: int = 0) -> Path:
    """Packets from number `begin` on; `change` makes of (number, packet) a list of packets."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for i, packet in enumerate(p for p in old.demux(video=0) if p.size):
            for each in change(i, packet) if change else [packet]:
                if i >= begin:
                    each.stream = stream
                    new.mux(each)
    return target


def check_alike(path: Path) -> list[int]:
    """Every way to read gives the same frames; their numbers."""
    forget()
    count = count_frames(path)
    every = read_frames(path)
    assert len(every) == count
    assert np.array_equal(np.stack(list(each_frame(path))), every.permute(0, 2, 3, 1))
    order = np.random.default_rng(0).permutation(count).tolist()
    for i in order:
        forget()
        assert read_frames(path, [i]).equal(every[[i]])
    for i in order:
        assert read_frames(path, [i]).equal(every[[i]])
    assert read_frames(path, order).equal(every[order])
    return [round((float(frame.float().mean()) - 10) / 6) for frame in every]


@pytest.fixture(scope="module")
def films(write_video, tmp_path_factory) -> dict[str, Path]:
    """Thirty frames each, a key frame at 0, 12 and 24."""
    folder = tmp_path_factory.mktemp("films")
    wanted = {
        "plain": {"options": {"bf": "0"}},
        "b-frames": {"options": {"bf": "3", "b-adapt": "0"}},
        "mpeg4": {"codec": "mpeg4", "options": {"bf": "0"}},
        "mpeg4-b": {"codec": "mpeg4", "options": {"bf": "1"}},
        "mpeg2": {"codec": "mpeg2video", "options": {"bf": "2"}},
        "vp9": {"codec": "libvpx-vp9", "options": {}},
        "hevc": {"codec": "libx265", "options": {"x265-params": HEVC}},
    }
    for name, how in wanted.items():
        if "mpeg" in name:
            how["options"] |= {"sc_threshold": "1000000000", "qmax": "2"}
        write_video(folder / f"{name}.mkv", 30, gop=12, **how)
    return {name: folder / f"{name}.mkv" for name in wanted}


@pytest.mark.parametrize("name", ["plain", "b-frames", "mpeg4", "mpeg4-b", "mpeg2", "vp9"])
@pytest.mark.parametrize("end", ["mkv", "mp4"])
def test_a_recording_that_begins_between_key_frames(films, tmp_path, name, end):
    path = copy(films[name], tmp_path / f"cut.{end}", begin=5)
    assert check_alike(path) == list(range(12, 30))


@pytest.mark.parametrize("name", ["plain", "b-frames", "mpeg2"])
def test_it_is_the_same_in_a_broadcast_stream(films, tmp_path, name):
    assert check_alike(copy(films[name], tmp_path / "cut.ts", begin=5)) == list(range(12, 30))


def test_leading_frames_of_an_open_group_are_not_counted(tmp_path, write_video):
    how = "open-gop=1:scenecut=0:b-adapt=0:keyint=12:min-keyint=12:bframes=3"
    film = write_video(
        tmp_path / "a.mkv", 30, gop=12, options={"x264-params": how, "bf": "3", "sc_threshold": "0"}
    )
    with av.open(str(film)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keys = [i for i, packet in enumerate(packets) if packet.is_keyframe]
    following = packets[keys[1] + 1]
    assert following.pts < packets[keys[1]].pts  # it needs what was cut away
    for end in ("mkv", "mp4"):
        path = copy(film, tmp_path / f"cut.{end}", begin=keys[1])
        assert check_alike(path) == list(range(12, 30))


def packed(film: Path, folder: Path, end: str) -> Path:
    """As DivX packs them: a P-frame and the B-frame before it in one packet, then a placeholder."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        head = bytes(stream.codec_context.extradata or b"")
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    kinds = ["IPBS"[data[data.find(VOP) + 4] >> 6] for data in pictures]
    chunks, i = [head + b"\0\0\1\xb2DivX503b1393p" + pictures[0]], 1
    while i < len(pictures):
        if kinds[i] == "P" and kinds[i + 1 : i + 2] == ["B"]:
            chunks += [pictures[i] + pictures[i + 1], VOP + b"\x51\0\0"]
            i += 2
        else:
            chunks.append(pictures[i])
            i += 1

    def change(i: int, packet: av.Packet) -> list[av.Packet]:
        if i >= len(chunks):
            return []
        joined = av.Packet(chunks[i])
        joined.pts = joined.dts = 80 * i
        joined.time_base, joined.is_keyframe = packet.time_base, i == 0
        return [joined]

    return copy(film, folder / f"packed.{end}", change)


@pytest.mark.parametrize("end", ["mp4", "mkv"])
def test_packed_b_frames(films, tmp_path, end):
    assert check_alike(packed(films["mpeg4-b"], tmp_path, end))[:24] == list(range(24))


@pytest.mark.parametrize("end", ["mp4", "mkv"])
def test_pictures_that_say_they_are_none(films, tmp_path, end):
    def change(i: int, packet: av.Packet) -> list[av.Packet]:
        if i % 7 != 5:
            return [packet]
        empty = av.Packet(VOP + b"\x51\0\0")
        empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
        return [empty]

    numbers = check_alike(copy(films["mpeg4"], tmp_path / f"a.{end}", change))
    assert numbers == [i for i in range(30) if i % 7 != 5]


@pytest.mark.parametrize("end", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("pair", [False, True], ids=["a field a packet", "a frame a packet"])
def test_interlaced_h264(tmp_path, end, pair):
    path = field_coded(tmp_path / f"a.{end}", 20, pair=pair)
    assert check_alike(path)[:19] == list(range(19))


@pytest.mark.parametrize("name", ["b-frames", "mpeg4-b"])
def test_times_of_decoding_in_the_place_of_those_of_presentation(films, tmp_path, name):
    def change(i: int, packet: av.Packet) -> list[av.Packet]:
        packet.pts = packet.dts = 80 * i
        return [packet]

    assert check_alike(copy(films[name], tmp_path / "a.mkv", change)) == list(range(30))


def flagged(value: bool):
    def change(i: int, packet: av.Packet) -> list[av.Packet]:
        packet.is_keyframe = value
        return [packet]

    return change


@pytest.mark.parametrize("begin", [0, 5])
@pytest.mark.parametrize("name", ["plain", "b-frames", "mpeg4", "mpeg4-b", "mpeg2", "vp9", "hevc"])
def test_a_container_that_calls_every_packet_a_key_frame(films, tmp_path, name, begin):
    path = copy(films[name], tmp_path / "a.mp4", flagged(True), begin=begin)
    assert check_alike(path) == list(range(12 if begin else 0, 30))


@pytest.mark.parametrize("name", ["b-frames", "mpeg4-b", "mpeg2"])
@pytest.mark.parametrize("value", [False, True])
def test_a_cut_with_all_flags_alike(films, tmp_path, name, value):
    path = copy(films[name], tmp_path / "a.mov", flagged(value), begin=5)
    assert check_alike(path) == list(range(12, 30))


def test_the_muxer_of_mov_calls_every_packet_of_mpeg2_a_key_frame(films, tmp_path):
    path = copy(films["mpeg2"], tmp_path / "a.mov", begin=5)
    with av.open(str(path)) as container:
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)
    assert check_alike(path) == list(range(12, 30))


@pytest.mark.parametrize("name", ["b-frames", "mpeg4-b", "mpeg2", "vp9"])
def test_only_true_key_frames_are_sought(films, tmp_path, name):
    path = copy(films[name], tmp_path / "a.mp4", flagged(True))
    assert list(index(path).keyframes) == [0, 12, 24]


@pytest.mark.parametrize("codec", ["wmv1", "wmv2", "msmpeg4v2", "flv", "h263p"])
@pytest.mark.parametrize("value", [False, True])
def test_a_cut_of_what_only_decoding_can_tell(tmp_path, write_video, codec, value):
    options = {"sc_threshold": "1000000000", "qmax": "2"}
    film = write_video(tmp_path / "film.avi", 30, gop=12, codec=codec, options=options)
    path = copy(film, tmp_path / "a.avi", flagged(value), begin=5)
    assert check_alike(path) == list(range(12, 30))


def test_times_that_come_twice(films, tmp_path):
    def change(i: int, packet: av.Packet) -> list[av.Packet]:
        packet.pts = packet.dts = i // 2 * 160
        return [packet]

    assert check_alike(copy(films["plain"], tmp_path / "a.mkv", change)) == list(range(30))


def test_a_trimmed_film_counted_by_decoding_keeps_what_its_key_frame_serves(tmp_path):
    """The key frame itself is outside of the edit list; the frames after it are whole."""
    path = field_coded(tmp_path / "a.mp4", 20, pair=True)
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 16
    begin = int.from_bytes(data[start : start + 4], "big")
    step = index(path).times[1] - index(path).times[0]
    data[start : start + 4] = (begin + 3 * step).to_bytes(4, "big")
    path.write_bytes(data)
    assert check_alike(path)[:10] == list(range(3, 13))


VP9 = {"key": b"\x82\x49\x83\x42", "shown": b"\x86", "hidden": b"\x84", "again": b"\x88"}


def superframe(*frames: bytes) -> bytes:
    marker = bytes([0xC0 | len(frames) - 1])
    return b"".join(frames) + marker + bytes(len(frame) for frame in frames) + marker


@pytest.mark.parametrize(
    ("codec", "packet", "expected"),
    [
        ("vp8", b"\x10", 1),
        ("vp8", b"\x01", 0),
        ("vp9", VP9["key"], 1),
        ("vp9", VP9["hidden"], 0),
        ("vp9", VP9["again"], 1),
        ("vp9", superframe(VP9["hidden"], VP9["shown"]), 1),
        ("vp9", superframe(VP9["shown"], VP9["again"]), 2),
        ("av1", b"\x12\0\x32\x01\x10", 1),  # delimiter, frame
        ("av1", b"\x32\x01\x20\x32\x01\x30", 1),  # hidden, shown
        ("av1", b"\x32\x01\x20", 0),
        ("av1", b"\x1a\x01\x80", 1),  # an existing one
        ("av1", b"\x36\x08\x01\x10", None),  # of a second size
        ("mpeg4", VOP + bytes(20), 1),
        ("mpeg4", VOP + bytes(20) + VOP + bytes(20), None),
        ("mpeg4", VOP + b"\x51\0\0", None),
        ("mpeg2video", b"\0\0\1\0" + bytes(4) + b"\0\0\1\xb5\x8f\xff\xf3" + bytes(9), 1),
        ("mpeg2video", b"\0\0\1\0" + bytes(4) + b"\0\0\1\xb5\x8f\xff\xf1" + bytes(9), None),
        ("mjpeg", b"any", 1),
    ],
)
def test_frames_that_a_packet_shows(codec, packet, expected):
    shown = shown_frames(codec, None)
    assert shown is not None
    assert shown(packet) == expected


@pytest.mark.parametrize("codec", ["h264", "hevc", "wmv2"])
def test_what_only_decoding_can_tell(codec):
    assert shown_frames(codec, b"\0\0\0\1 start codes") is None


def units(*given: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in given)


AVC = b"\1\x64\0\x1f\xff\xe0\0"
HVCC = b"\1" + bytes(20) + b"\3\0"


@pytest.mark.parametrize(
    ("codec", "extradata", "packet", "expected"),
    [
        ("h264", AVC, units(b"\x65\x88\x80"), True),  # IDR
        ("h264", AVC, units(b"\x41\x9a\0"), False),  # a P slice
        ("h264", AVC, units(b"\x41\x88\x80"), True),  # an I slice
        ("h264", AVC, units(b"\6\6\1\x84\x80", b"\x41\x9a\0"), True),  # a recovery point
        ("h264", AVC, units(b"\6\5\1\6\x80", b"\x41\x9a\0"), False),  # another message
        ("h264", AVC, units(b"\x41"), True),  # damaged: by its flag
        ("hevc", HVCC, units(b"\x26\1\xaf"), True),
        ("hevc", HVCC, units(b"\2\1\xd0"), False),
        ("hevc", HVCC, units(b"\x4e\1\6\1\x80\x80", b"\2\1\xd0"), True),
        ("vp8", None, b"\x10", True),
        ("vp8", None, b"\x11", False),
        ("vp9", None, VP9["key"], True),
        ("vp9", None, VP9["shown"], False),
        ("vp9", None, VP9["again"], False),
        ("av1", None, b"\x12\0\x32\x01\x10", True),
        ("av1", None, b"\x12\0\x32\x01\x30", False),
        ("av1", None, b"\x1a\x01\x80", False),
        ("av1", None, b"\x0a\x01\x18\x32\x01\xff", True),  # a still picture
        ("mpeg4", None, VOP + b"\x10", True),
        ("mpeg4", None, VOP + b"\x50", False),
        ("mpeg4", None, b"damaged", True),
        ("mpeg2video", None, b"\0\0\1\0\0\x0f", True),
        ("mpeg2video", None, b"\0\0\1\0\0\x17", False),
        ("mpeg2video", None, b"\0\0\1\0", True),
        ("mjpeg", None, b"any", True),
    ],
)
def test_whether_decoding_may_begin_with_a_packet(codec, extradata, packet, expected):
    assert may_begin(codec, extradata)(packet) is expected
