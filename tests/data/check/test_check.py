"""Everything that `gta check` looks for, each made on purpose."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from gta.data.check import CheckReport, check_videos
from gta.data.check.contents import known_flaws
from gta.data.check.finding import Finding
from gta.data.check.inspect import inspect_video
from gta.data.records import Video, VideoList


@pytest.fixture
def video(tmp_path: Path, write_video):
    """`video("a/1.mp4", 20)`: a file whose content depends on its name."""

    def make(name: str, num_frames: int = 20, size: int = 64) -> Path:
        seed = zlib.crc32(name.encode())
        pictures = np.random.default_rng(seed).integers(255, size=(num_frames, size, size, 3))
        return write_video(
            tmp_path / name, images=pictures.astype(np.uint8), height=size, width=size
        )

    return make


def videos(paths: list[tuple[Path, int]], classes: list[str], **options) -> VideoList:
    return VideoList(
        [Video(f"{p.parent.name}/{p.name}", p, label, **options) for p, label in paths], classes
    )


def check(train: VideoList, val: VideoList, **options) -> CheckReport:
    settings = {"clip_frames": 8, "size": 64, "flip": "skip"} | options
    return check_videos(train, val, **settings)


def good(video, classes: list[str]) -> tuple[VideoList, VideoList]:
    train = [(video(f"train/{c}{i}.mp4"), c) for c in range(len(classes)) for i in range(5)]
    val = [(video(f"val/{c}.mp4"), c) for c in range(len(classes))]
    return videos(train, classes), videos(val, classes)


def findings_of(report: CheckReport) -> dict[str, Finding]:
    return {finding.kind: finding for finding in report.findings}


def test_a_set_without_a_fault(video):
    train, val = good(video, ["jump", "run"])
    seen = []
    report = check(train, val, workers=3, progress=lambda done, total: seen.append((done, total)))
    assert [finding.kind for finding in report.findings] == ["few validation videos"]
    assert report.ok
    assert report.summary == {
        "classes": 2,
        "train": {
            "videos": 10,
            "unreadable": 0,
            "frames": {"min": 20, "median": 20, "max": 20},
            "sizes": {"64x64": 10},
        },
        "val": {
            "videos": 2,
            "unreadable": 0,
            "frames": {"min": 20, "median": 20, "max": 20},
            "sizes": {"64x64": 2},
        },
        "videos_of_class": {"jump": {"train": 5, "val": 1}, "run": {"train": 5, "val": 1}},
    }
    assert seen[-1] == (12, 12)


def test_videos_that_cannot_be_read(video, tmp_path: Path):
    train, val = good(video, ["jump"])
    (tmp_path / "train/00.mp4").write_bytes(b"")
    (tmp_path / "train/01.mp4").write_text("no video")
    (tmp_path / "val/0.mp4").unlink()
    report = check(train, val)
    finding = findings_of(report)["unreadable"]
    assert (finding.severity, len(finding.items)) == ("error", 3)
    assert finding.text == (
        "3 videos cannot be read. Training replaces them by other videos and counts them, tests "
        "skip them; repair or remove them"
    )
    assert any("00.mp4: is empty (0 bytes)" in item for item in finding.items)
    assert any("no such file" in item for item in finding.items)
    assert not report.ok


def test_a_file_cut_off_at_its_end_is_found(video, tmp_path: Path):
    path = video("cut.mp4", 60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert inspect_video(Video("cut", path, 0)).problem is not None


def test_one_video_is_told_as_one(video, tmp_path: Path):
    train, val = good(video, ["jump"])
    (tmp_path / "train/00.mp4").write_bytes(b"")
    assert findings_of(check(train, val))["unreadable"].text == (
        "1 video cannot be read. Training replaces it by another video and counts it, tests skip "
        "it; repair or remove it"
    )


def test_errors_come_first(video, tmp_path: Path):
    train, val = good(video, ["walk left", "turn left", "turn right"])
    (tmp_path / "train/00.mp4").write_bytes(b"")
    order = [finding.severity for finding in check(train, val).findings]
    assert order == sorted(order, key=["error", "warning", "note"].index)
    assert set(order) == {"error", "warning", "note"}


def test_one_bad_picture_is_found_by_a_thorough_check(tmp_path: Path, write_pictures):
    paths = [(write_pictures(tmp_path / f"{i}", 20), i % 2) for i in range(12)]
    train, val = videos(paths[:6], ["a", "b"]), videos(paths[6:], ["a", "b"])
    (paths[0][0] / "00005.jpg").write_bytes(b"\xff\xd8\xff no picture")
    assert "unreadable" not in findings_of(check(train, val))
    assert len(findings_of(check(train, val, thorough=True))["unreadable"].items) == 1


def test_lengths_and_sizes(video, tmp_path: Path):
    train, val = good(video, ["jump"])
    video("train/00.mp4", 5)
    video("train/01.mp4", 410)
    video("train/02.mp4", 20, size=24)
    kinds = findings_of(check(train, val))
    assert kinds["short"].items == ["train/00.mp4 (5)"]
    assert kinds["very long"].items == ["train/01.mp4 (410)"]
    assert kinds["small"].items == ["train/02.mp4 (24x24)"]
    assert {kinds[k].severity for k in ("short", "very long", "small")} == {"warning"}


def test_annotated_frame_counts(video):
    train, val = good(video, ["jump"])
    wrong = videos([(v.path, 0) for v in train.videos], ["jump"], num_frames=21)
    finding = findings_of(check(wrong, val))["wrong frame counts"]
    assert finding.severity == "error"
    assert finding.items[0] == "train/00.mp4: annotated 21, has 20"


@pytest.mark.parametrize(
    ("flip", "effect"),
    [
        ("skip", "their clips are not mirrored"),
        ("remap", "their mirrored clips get the other label"),
        ("off", "no clip is mirrored"),
    ],
)
def test_directions(video, flip: str, effect: str):
    classes = ["jump", "look left", "turn left", "turn right"]
    kinds = findings_of(check(*good(video, classes), flip=flip))
    assert kinds["mirrored pairs"].items == ["turn left | turn right"]
    assert effect in kinds["mirrored pairs"].text
    assert f"augment.flip={flip}" in kinds["mirrored pairs"].text
    assert kinds["lone directions"].items == ["look left"]
    assert kinds["lone directions"].severity == "note"


def test_labels_that_are_not_in_alphabetical_order(video):
    report = check(*good(video, ["run", "jump"]))
    assert [finding.kind for finding in report.findings] == ["few validation videos", "label order"]
    assert report.ok


def test_classes_of_a_model(video):
    train, val = good(video, ["a", "b"])
    assert "other classes" not in findings_of(check(train, val, trained_classes=["a", "b"]))
    swapped = findings_of(check(train, val, trained_classes=["b", "a"]))["other classes"]
    assert swapped.severity == "error"
    assert swapped.text == (
        "The model has the same classes in another order: its answers would be mistaken"
    )
    assert swapped.items == ["0: a, in the model b", "1: b, in the model a"]
    other = findings_of(check(train, val, trained_classes=["a", "c", "d"]))["other classes"]
    assert other.text.startswith("The model has other classes: it has 3 classes, the data 2.")
    assert other.items == ["only in the data: b", "only in the model: c", "only in the model: d"]


def test_the_version_of_ffmpeg():
    assert known_flaws("8.1.2") == []
    (finding,) = known_flaws("8.1.1")
    assert finding.severity == "warning"
    assert finding.text == (
        "The FFmpeg that decodes videos, 8.1.1, has flaws that a video from a stranger could use: "
        "pip install --upgrade av"
    )
    assert finding.items == ["CVE-2026-8461 (in a decoder that is never opened here)"]
