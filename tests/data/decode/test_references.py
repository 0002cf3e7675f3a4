"""What a decoder would hold is told before it begins."""

import pytest

from gta.data.decode import count_frames, opening, read_frames, references
from gta.data.decode.opening import opened
from gta.errors import VideoError

FRAME = 48 * 64 * 3 // 2


@pytest.mark.parametrize(
    ("name", "codec", "options", "asked"),
    [
        ("a.mp4", "libx264", {"refs": "1", "bf": "0"}, 1),
        ("a.mkv", "libx264", {"refs": "9", "bf": "2"}, 9),
        ("a.ts", "libx264", {"refs": "16", "bf": "0"}, 16),
        ("b.mp4", "libx265", {"x265-params": "ref=3:bframes=0:log-level=none"}, 3),
        ("b.ts", "libx265", {"x265-params": "ref=5:bframes=0:log-level=none"}, 5),
        ("c.webm", "libvpx-vp9", {}, 8),
    ],
)
def test_a_decoder_that_would_hold_too_much(
    tmp_path, write_video, monkeypatch, name, codec, options, asked
):
    path = write_video(tmp_path / name, 24, codec=codec, options=options, gop=250)
    with opened(path) as (_, stream):
        frames = asked + 1 + (stream.codec_context.reorder_depth or 0)
    monkeypatch.setattr(opening, "MOST_HELD", frames * FRAME)
    assert count_frames(path) == len(read_frames(path)) == 24
    monkeypatch.setattr(opening, "MOST_HELD", frames * FRAME - 1)
    with pytest.raises(VideoError) as caught:
        read_frames(path)
    assert caught.value.reason == (
        f"its decoder would hold {asked} frames of 64x48 pixels and more (0.0 GB, the limit is "
        f"0.0). Make a smaller copy: ffmpeg -i IN -vf scale=-2:1080 -c:v libx264 -crf 12 OUT.mp4"
    )


def test_a_packet_that_asks_for_more_than_the_header(tmp_path, write_video, monkeypatch):
    few, many = (
        write_video(tmp_path / f"{n}.mp4", 24, options={"refs": str(n), "bf": "0"}, gop=250)
        for n in (2, 16)
    )
    with opened(many) as (_, stream):
        (unit,) = references._parameter_sets(
            "h264", stream.codec_context.extradata or b"", in_header=True
        )
    monkeypatch.setattr(opening, "MOST_HELD", 10 * FRAME)
    with opened(few) as (_, stream):
        check = opening.check_references(stream)
        assert check is not None
        check(bytes(9))
        with pytest.raises(ValueError, match="would hold 16 frames of 64x48"):
            check(len(unit).to_bytes(4, "big") + unit)


def test_what_is_damaged_asks_for_the_most():
    assert references._asked("h264", b"\x67") == references._asked("hevc", b"") == 16


def test_usual_files_are_not_looked_at(tmp_path, write_video):
    with opened(write_video(tmp_path / "a.mp4")) as (_, stream):
        assert opening.check_references(stream) is None
