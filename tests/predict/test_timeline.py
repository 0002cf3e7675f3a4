"""The timeline of a long video, of a network made by hand."""

import csv
import json
import re
import sys
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import opentimelineio
import pytest
import torch
from PIL import Image

from gta.data.decode import count_frames, frame_times, read_frames
from gta.data.decode.in_order import Passage, TimedFrame
from gta.data.records import Video
from gta.data.spent import Spent
from gta.data.transforms.clip import ViewTransform
from gta.errors import UsageError, VideoError
from gta.predict import Predictor, Segment, Timeline
from gta.predict.windows import Grid, slots_of, windows_of

from .long_videos import BRIGHT, DARK, Brightness, write_changes


@pytest.fixture(scope="module")
def predictor(trained: Path) -> Predictor:
    predictor = Predictor(trained, device="cpu")
    predictor.model = Brightness()
    return predictor


def test_changes_are_found_where_they_are(predictor: Predictor, tmp_path: Path):
    rng = np.random.default_rng(0)
    changes = np.cumsum(rng.uniform(4, 9, size=12)).tolist()
    path = write_changes(tmp_path / "long.mp4", changes, changes[-1] + 5, rate=10)
    spent, told = Spent(), []
    timeline = predictor.timeline(
        path, window=2, spent=spent, progress=lambda done, whole: told.append((done, whole))
    )
    dark, bright = predictor.run.classes[:2]
    assert [segment.label for segment in timeline.segments] == [dark, bright] * 6 + [dark]
    starts = [segment.start for segment in timeline.segments[1:]]
    assert (
        np.abs(np.array(starts) - changes).max() < 0.5
    )  # as far as two frames of a window are apart
    assert timeline.segments[0].start == 0
    assert timeline.segments[-1].end == timeline.duration == pytest.approx(changes[-1] + 5, abs=0.2)
    assert all(segment.score > 0.8 for segment in timeline.segments)
    assert (timeline.window, timeline.stride, timeline.damage, timeline.cut_off) == (
        2,
        0.5,
        0,
        None,
    )
    assert spent.clips == len(range(0, int(timeline.duration / 0.5) - 3))
    assert told[-1][0] > timeline.duration - 2
    assert told[-1][1] == pytest.approx(timeline.duration, abs=0.2)


def test_times_are_those_of_the_file(predictor: Predictor, tmp_path: Path):
    """A film that slows down: a second has 30 frames at its beginning and 3 at its end."""
    times = np.concatenate([np.arange(0, 10, 1 / 30), np.arange(10, 30, 1 / 3)]).tolist()
    path = write_changes(tmp_path / "long.mkv", [5, 21.05], 30, times)
    timeline = predictor.timeline(path, window=2, smoothing=0)
    assert [segment.start for segment in timeline.segments[1:]] == pytest.approx(
        [5, 21.33], abs=0.3
    )
    # and those that are given, for pictures and frames in memory
    frames = torch.full((40, 3, 40, 40), DARK, dtype=torch.uint8)
    frames[20:] = BRIGHT
    timeline = predictor.timeline(frames, window=2, fps=4)
    assert (timeline.duration, timeline.path) == (10, Path("frames in memory"))
    assert timeline.segments[1].start == pytest.approx(5, abs=0.25)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(40):
        Image.fromarray(frames[number].permute(1, 2, 0).numpy()).save(folder / f"{number:03d}.png")
    assert predictor.timeline(folder, window=2, fps=4).segments == timeline.segments


def test_a_window_is_scored_as_a_clip_of_its_frames(trained: Path, ordered: Path):
    """A video of the length of a window: the same frames, so the same scores, to the last bit."""
    predictor = Predictor(trained, device="cpu", protocol="3x1-full28")
    path = next((ordered / "20bn-something-something-v2").glob("*.webm"))
    seconds = count_frames(path) / 12
    expected = predictor(path)
    timeline = predictor.timeline(path, window=seconds, smoothing=0, batch_size=1)
    assert [(segment.label, segment.score) for segment in timeline.segments] == [
        (expected.label, expected.score)
    ]
    assert (timeline.segments[0].start, timeline.segments[0].end) == (
        0,
        pytest.approx(seconds, abs=1e-3),
    )
    short = predictor.timeline(read_frames(path)[:1], smoothing=0)
    assert [(segment.start, segment.end) for segment in short.segments] == [(0, 1 / 30)]


def test_a_file_that_is_cut_off_and_one_with_lost_frames(predictor: Predictor, tmp_path: Path):
    whole = write_changes(tmp_path / "whole.mkv", [4], 12, noise=30)
    data = bytearray(whole.read_bytes())
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) * 2 // 3])
    timeline = predictor.timeline(tmp_path / "cut.mkv", window=2)
    assert timeline.cut_off is not None
    assert re.match(r"[\d,]+ of [\d,]+ bytes", timeline.cut_off)
    assert timeline.to_dict()["cut_off"] == timeline.cut_off
    assert 4 < timeline.duration < 12
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    (tmp_path / "hole.mkv").write_bytes(data)
    timeline = predictor.timeline(tmp_path / "hole.mkv", window=2)
    assert timeline.damage > 0
    assert timeline.duration == pytest.approx(12, abs=0.1)
    assert timeline.segments[1].start == pytest.approx(4, abs=0.3)
    prediction = predictor(write_hole(tmp_path / "hole.mp4"))
    assert prediction.damage > 0
    assert prediction.to_dict()["damage"] == prediction.damage
    assert predictor(whole).damage == 0
    with pytest.raises(VideoError, match=r"no.mp4: no such file"):
        predictor.timeline(tmp_path / "no.mp4")


def test_what_is_no_timeline(predictor: Predictor):
    frames = torch.zeros(9, 3, 40, 40, dtype=torch.uint8)
    for options, said in (
        ({"window": -1}, "window is a number of seconds, above 0; got -1"),
        ({"window": 2, "stride": 3}, r"would leave parts .* take a stride of at most 2 s"),
        ({"least": -1}, "least is a number of seconds, 0 or more; got -1"),
        ({"threshold": 2}, "threshold is a probability, from 0 to 1; got 2"),
        ({"background": ["upp"]}, "background 'upp' is no class of this model"),
    ):
        with pytest.raises(UsageError, match=said):
            predictor.timeline(frames, **options)


def write_hole(path: Path) -> Path:
    """An MP4 some frames of which are zeros; none of them is among the four that a clip shows."""
    data = bytearray(write_changes(path, [4], 12, noise=30).read_bytes())
    place = len(data) * 40 // 100
    data[place : place + 1500] = bytes(1500)
    path.write_bytes(data)
    return path


@pytest.fixture
def timeline(tmp_path: Path) -> Timeline:
    path = write_changes(tmp_path / "long.mp4", [2, 5], 8, rate=10)
    segments = [Segment("a <b> --> & c", 0, 2, 0.9), Segment("put/get", 3661.25, 3662, 0.123)]
    return Timeline(path, segments, 8.0, 10.0, 2.0, 0.5, about={"run": "runs/mine"})


def test_subtitles_and_tables(timeline: Timeline, tmp_path: Path):
    for name in ("t.srt", "t.vtt", "t.csv", "t.json"):
        timeline.save(tmp_path / name)
    assert (tmp_path / "t.srt").read_text() == (
        "1\n00:00:00,000 --> 00:00:02,000\na <b> → & c (90%)\n\n"
        "2\n01:01:01,250 --> 01:01:02,000\nput/get (12%)\n"
    )
    assert (tmp_path / "t.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\na &lt;b&gt; → &amp; c (90%)\n\n"
        "01:01:01.250 --> 01:01:02.000\nput/get (12%)\n"
    )
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert rows[1] == {"label": "put/get", "start": "3661.250", "end": "3662.000", "score": "0.123"}
    told = json.loads((tmp_path / "t.json").read_text())
    assert told == json.loads(timeline.to_json())
    assert told["segments"][0] == {"label": "a <b> --> & c", "start": 0, "end": 2, "score": 0.9}
    assert (told["run"], told["damage"]) == ("runs/mine", 0)
    assert str(timeline).splitlines()[2] == "01:01:01.250  01:01:02.000   12.3%  put/get"
    with pytest.raises(UsageError, match=r"t.txt: a timeline is written as one of .json, .csv"):
        timeline.save(tmp_path / "t.txt")
    with pytest.raises(UsageError, match=r"long.mp4 is the video itself: give another file"):
        timeline.save(timeline.path)


def test_files_of_video_editors(tmp_path: Path):
    segments = [Segment("a", 0, 2, 0.9), Segment("b", 2.5, 2.51, 0.9), Segment("c", 3, 8, 0.9)]
    timeline = Timeline(tmp_path / "long.mp4", segments, 8.0, 29.97, 2.0, 0.5)
    timeline.save(tmp_path / "t.otio")
    read = opentimelineio.adapters.read_from_file(str(tmp_path / "t.otio"))
    (track,) = read.tracks
    kinds = [(type(item).__name__, item.name, item.duration().value) for item in track]
    assert kinds == [("Clip", "a", 60), ("Gap", "", 30), ("Clip", "c", 150)]
    assert track[2].source_range.start_time.to_seconds() == pytest.approx(3, abs=0.02)
    assert track[2].metadata["gta"]["end"] == 8
    assert track[2].media_reference.target_url == str(tmp_path / "long.mp4")
    timeline.save(tmp_path / "t.edl")
    events = re.findall(r"^\d+ .*", (tmp_path / "t.edl").read_text(), re.M)
    assert [event.split()[4:6] for event in events] == [
        ["00:00:00;00", "00:00:02;00"],
        ["00:00:03;00", "00:00:08;00"],
    ]


@pytest.mark.parametrize("rate", [24000 / 1001, 25, 30000 / 1001, 60000 / 1001, 60])
@pytest.mark.parametrize("ending", ["otio", "edl"])
def test_a_cut_after_an_hour_is_where_it_was_found(tmp_path: Path, rate: float, ending: str):
    """It was 3.6 s late at the rates of NTSC, and each gap before it moved it by half a frame."""
    segments = [Segment("a", 1.017 * i, 1.017 * i + 0.3, 0.9) for i in range(0, 3500, 100)]
    segments.append(Segment("b", 3600, 3605, 0.9))
    path = tmp_path / f"t.{ending}"
    Timeline(tmp_path / "long.mp4", segments, 3610.0, rate, 2.0, 0.5).save(path)
    if ending == "edl":
        dropped = round(rate) != rate and rate > 25
        mode = "DROP FRAME" if dropped else "NON-DROP FRAME"
        assert path.read_text().splitlines()[1] == f"FCM: {mode}"
    known = {"rate": rate} if ending == "edl" else {}
    (track,) = opentimelineio.adapters.read_from_file(str(path), **known).tracks
    clips = [item for item in track if isinstance(item, opentimelineio.schema.Clip)]
    for clip, segment in zip(clips, segments, strict=True):
        place = clip.range_in_parent().start_time
        assert place.rate == pytest.approx(rate)
        assert place.value == round(segment.start * rate)


@pytest.mark.parametrize(
    ("name", "reel"),
    [("a walk in the park.mp4", "awalkint"), ("你好.mp4", "AX"), ("clip-07.mp4", "clip07")],
)
def test_a_list_is_read_whatever_the_video_is_called(tmp_path: Path, name: str, reel: str):
    path = tmp_path / "t.edl"
    Timeline(tmp_path / name, [Segment("a", 0, 2, 0.9)], 2.0, 25, 2.0, 0.5).save(path)
    (track,) = opentimelineio.adapters.read_from_file(str(path), rate=25).tracks
    assert [(type(item).__name__, item.duration().value) for item in track] == [("Clip", 50)]
    (event,) = re.findall(r"^\d+ .*", path.read_text(), re.M)
    assert event.split()[1:4] == [reel, "V", "C"]


def test_timecodes_end_after_a_day(tmp_path: Path):
    """They began anew, without a word."""
    timeline = Timeline(tmp_path / "a.mp4", [Segment("a", 8, 90000, 0.9)], 9e4, 25, 2.0, 0.5)
    with pytest.raises(UsageError, match=r"end after 24 hours, and the last .* 25.0; write .otio"):
        timeline.save(tmp_path / "t.edl")
    timeline.save(tmp_path / "t.otio")


def test_the_package_for_editors_is_named(timeline: Timeline, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "otio_cmx3600_adapter", None)
    with pytest.raises(UsageError, match=r'need opentimelineio: pip install "gta-video.timeline'):
        timeline.save("t.edl")


def test_no_more_frames_are_kept_than_a_window_shows():
    passage, kept, most = Passage(rate=4.0), list[weakref.ref](), 0

    def frames():
        for number in range(400):
            passage.duration = (number + 1) / 4
            image = np.zeros((8, 8, 3), np.uint8)
            kept.append(weakref.ref(image))
            yield TimedFrame(number / 4, partial(np.asarray, image))
            del image

    def seen(slots):
        for slot in slots:
            kept.append(weakref.ref(slot))
            yield slot
            del slot

    grid, transform = Grid(8, 0.25, 2), ViewTransform(size=8, resize=8)
    slots = seen(slots_of(frames(), grid, transform, passage, Spent()))
    for count, (center, window) in enumerate(windows_of(slots, grid)):
        assert window.shape == (1, 3, 8, 8, 8)
        assert center == 1 + count / 2
        most = max(most, sum(frame() is not None for frame in kept))
    assert count == 98 * 2
    assert most <= 8 + 3


def test_footage(tmp_path: Path):
    times = [*np.arange(0, 4, 0.1), *np.arange(4, 8, 0.25)]
    path = write_changes(tmp_path / "odd.mkv", [2, 5], 8, times, size=(50, 66))
    segments = [Segment("a/b", 0.05, 2, 0.9), Segment("c", 2, 5, 0.8), Segment("a/b", 5, 5.9, 0.7)]
    timeline = Timeline(path, segments, 8.0, 10.0, 2.0, 0.5)
    timeline.save(tmp_path / "labeled.mp4")
    seen = read_frames(tmp_path / "labeled.mp4")
    assert seen.shape == (len(times), 3, 50, 66)
    seconds = frame_times(tmp_path / "labeled.mp4")
    assert seconds == pytest.approx(times, abs=1e-3)
    assert seen[10, :, :30].float().mean() == pytest.approx(DARK, abs=3)
    assert seen[10, :, -10:].float().std() > 20  # letters
    assert seen[-1, :, -10:].float().std() < 3  # nothing is said there
    files = timeline.cut(tmp_path / "cut")
    assert [str(file.relative_to(tmp_path / "cut")) for file in files] == [
        "a-b/odd_000000.050-000002.000.mp4",
        "c/odd_000002.000-000005.000.mp4",
        "a-b/odd_000005.000-000005.900.mp4",
    ]
    assert [count_frames(file) for file in files] == [19, 24, 4]
    assert frame_times(files[1]) == pytest.approx([t - 2 for t in times if 2 <= t < 5], abs=1e-3)
    for file, value in zip(files, (DARK, BRIGHT, DARK), strict=True):
        assert read_frames(file, [0, 3]).float().mean() == pytest.approx(value, abs=3)
    with pytest.raises(VideoError, match="no such file"):
        Timeline(tmp_path / "no.mp4", segments, 8.0, 10.0, 2.0, 0.5).cut(tmp_path / "no")


def test_a_rate_for_a_video_on_record(predictor: Predictor, tmp_path: Path):
    path = write_changes(tmp_path / "a.mp4", [2], 4)
    assert predictor.timeline(Video("a", path, None, fps=15), window=2).duration == 8
