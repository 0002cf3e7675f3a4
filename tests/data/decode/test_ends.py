"""Files whose end is missing are found by their sizes; whole files never, whatever they claim."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gta.data.check.contents import cut_off
from gta.data.check.inspect import inspect_video
from gta.data.decode.ends import missing_end
from gta.data.records import Video

FORMS = {
    "front.mp4": ("mp4", "libx264", {"movflags": "faststart"}),
    "fragments.mp4": ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "a.mov": ("mov", "mpeg4", {"movflags": "faststart"}),
    "a.mkv": ("matroska", "libx264", {}),
    "live.mkv": ("matroska", "libx264", {"live": "1"}),
    "a.webm": ("webm", "libvpx", {}),
    "a.avi": ("avi", "mpeg4", {}),
    "a.ts": ("mpegts", "libx264", {}),
    "a.m2ts": ("mpegts", "libx264", {"mpegts_m2ts_mode": "1"}),
    "a.vob": ("vob", "mpeg2video", {}),
    "a.mpg": ("mpeg", "mpeg1video", {}),
    "a.wmv": ("asf", "wmv2", {}),
    "a.flv": ("flv", "flv1", {}),
    "a.rm": ("rm", "rv20", {}),
    "a.ivf": ("ivf", "libvpx", {}),
    "a.ogv": ("ogg", "libvpx", {}),
    "a.mxf": ("mxf", "mpeg2video", {}),
    "a.gif": ("gif", "gif", {}),
}


def write(path: Path, form: str, codec: str, options: dict[str, str], **how) -> Path:
    """Noise: 24 frames, one in four a key frame."""
    times, sound = how.get("times") or list(range(24)), how.get("sound", 0)
    noise = np.random.default_rng(0).integers(255, size=(24, 48, 64, 3), dtype=np.uint8)
    with av.open(str(path), "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.gop_size = 48, 64, 4
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        audio = container.add_stream("aac", rate=8000) if sound else None
        for time, image in zip(times, noise, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            for start in range(0, 8000 * sound, 1024):
                silence = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
                )
                silence.sample_rate, silence.pts = 8000, start
                container.mux(audio.encode(silence))
            container.mux(audio.encode())
    return path


def ends(content: bytes) -> str | None:
    return missing_end(io.BytesIO(content), len(content))


@pytest.mark.parametrize("name", FORMS)
def test_cut_at_any_place(tmp_path: Path, name: str):
    whole = write(tmp_path / name, *FORMS[name]).read_bytes()
    assert ends(whole) is None
    packets = {"ts": 188, "m2ts": 192, "vob": 2048, "mpg": 2048}.get(name.rpartition(".")[2])
    cuts = [len(whole) * percent // 100 for percent in range(30, 96)]
    unseen = [n for n in cuts if ends(whole[:n]) is None]
    if packets:  # between two packets nothing is missing that could be told
        unseen = [n for n in unseen if n % packets]
    assert len(unseen) <= 1  # another border by chance


def test_an_mp4_whose_index_is_at_its_end_cannot_be_read(tmp_path: Path):
    path = write(tmp_path / "a.mp4", "mp4", "libx264", {})
    assert ends(path.read_bytes()) is None
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    problem = inspect_video(Video("a", path, 0)).problem
    assert problem is not None
    assert "cut off" in problem


def test_what_cannot_be_read_because_its_end_is_missing(tmp_path: Path):
    path = write(tmp_path / "a.mp4", *FORMS["front.mp4"])
    whole = path.read_bytes()
    short = whole.index(b"mdat") + 20
    path.write_bytes(whole[:short])
    problem = inspect_video(Video("a", path, 0)).problem
    assert problem is not None
    assert problem.endswith(f" ({short:,} of {len(whole):,} bytes are there)")


def test_sizes_say_how_much_is_there(tmp_path: Path):
    whole = write(tmp_path / "a.mkv", *FORMS["a.mkv"]).read_bytes()
    assert ends(whole[:4000]) == f"4,000 of {len(whole):,} bytes"
    assert ends(write(tmp_path / "a.ts", *FORMS["a.ts"]).read_bytes()[:4000]) == (
        "it ends inside of a packet"
    )


@pytest.mark.parametrize("name", ["front.mp4", "a.mkv", "a.mov", "a.avi"])
def test_whole_files_with_sound_that_goes_on(tmp_path: Path, name: str):
    path = write(tmp_path / name, *FORMS[name], sound=8)
    facts = inspect_video(Video("a", path, 0))
    assert (facts.problem, facts.cut_off, facts.num_frames) == (None, None, 24)


@pytest.mark.parametrize(
    "times",
    [
        [i + 1000 for i in range(24)],  # begins late
        [*range(12), *range(100, 1300, 100)],  # a variable rate
        [*range(23), 5000],  # the last picture stands
    ],
)
@pytest.mark.parametrize("name", ["front.mp4", "a.mkv", "live.mkv"])
def test_whole_files_with_odd_times(tmp_path: Path, name: str, times: list[int]):
    path = write(tmp_path / name, *FORMS[name], times=times)
    facts = inspect_video(Video("a", path, 0))
    assert (facts.problem, facts.cut_off, facts.num_frames) == (None, None, 24)


def test_a_header_that_claims_a_longer_duration(tmp_path: Path):
    path = write(tmp_path / "a.mp4", *FORMS["front.mp4"])
    content = bytearray(path.read_bytes())
    duration = content.index(b"mvhd") + 20
    content[duration : duration + 4] = (10**6).to_bytes(4)
    path.write_bytes(content)
    assert inspect_video(Video("a", path, 0)).cut_off is None


def test_what_follows_a_whole_file_does_not_matter(tmp_path: Path):
    for name in ("front.mp4", "a.mkv", "a.avi", "a.wmv", "a.mpg", "a.gif"):
        whole = write(tmp_path / name, *FORMS[name]).read_bytes()
        assert ends(whole + bytes(100)) is None, name


@pytest.mark.parametrize("content", [b"", b"\0", b"text", bytes(5000), b"\xff" * 5000])
def test_what_is_no_video_tells_nothing(content: bytes):
    assert ends(content) is None


@pytest.mark.parametrize("name", FORMS)
def test_any_beginning_of_a_file_ends(tmp_path: Path, name: str):
    whole = write(tmp_path / name, *FORMS[name]).read_bytes()
    for length in range(0, 3000, 7):
        ends(whole[:length])


def test_the_finding(tmp_path: Path):
    paths = []
    for name in ("front.mp4", "a.webm"):
        paths.append(write(tmp_path / name, *FORMS[name]))
        sound = paths[-1].read_bytes()
        paths[-1].write_bytes(sound[: len(sound) * 3 // 4])
    facts = [inspect_video(Video(path.name, path, 0)) for path in paths]
    (finding,) = cut_off(facts[:1])
    assert finding.severity == "warning"
    assert finding.text == (
        "1 video file is cut off. It is used as far as it goes; copy or download it again"
    )
    (item,) = finding.items
    have = paths[0].stat().st_size
    assert item.startswith(f"front.mp4: {facts[0].num_frames} frames; {have:,} of ")
    (both,) = cut_off(facts)
    assert both.text.startswith("2 video files are cut off. They are used as far as they go; ")
    assert 0 < facts[1].num_frames < 24
