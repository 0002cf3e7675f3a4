"""A prepared data set is the original: the same videos, labels, order, frames and rates."""

import json
import pickle
import shutil
import tarfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from gta.data.cache import FrameCache
from gta.data.dataset import TrainingClips, ViewClips
from gta.data.decode import count_frames, each_frame, frame_rate, frame_times, read_frames
from gta.data.formats.prepared import find_manifest
from gta.data.prepare import Options
from gta.data.prepare.copies import write_copy
from gta.data.prepare.gain import Gain
from gta.data.prepare.options import parse_resize
from gta.data.sampling import Sampling
from gta.data.storage.sources import Member, Unreadable
from gta.data.transforms.clip import TrainTransform, ViewTransform, resize_frames
from gta.data.videos import load_videos
from gta.errors import DataError, UsageError, VideoError

from .conftest import FORMS, listed, texture


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(10 * torch.log10(255**2 / (a.float() - b.float()).square().mean().clamp(1e-6)))


@pytest.mark.parametrize("form", FORMS)
def test_the_same_videos_with_the_same_frames(original, copies, form):
    before, after = listed("ssv2", original), listed("ssv2", copies[form])
    assert before.keys() == after.keys() == {"train", "val", "test"}
    for split, videos in before.items():
        others = after[split]
        assert others.classes == videos.classes
        for video, other in zip(videos.videos, others.videos, strict=True):
            same = ("id", "label", "flippable")
            assert [getattr(other, n) for n in same] == [getattr(video, n) for n in same]
            if video.id == "3":
                assert other.num_frames is None
                continue
            frames, others_frames = read_frames(video.path), read_frames(other.path)
            assert other.num_frames == count_frames(other.path) == len(frames)
            assert other.fps == frame_rate(video.path) == 12
            if "video" in form:  # H.264 wants even sides
                frames = resize_frames(frames, (48, 70))
            assert psnr(frames, others_frames) > 30
            assert read_frames(other.path, [5, 0, 5]).equal(others_frames[[5, 0, 5]])
            assert (
                np.stack(list(each_frame(other.path))) == others_frames.permute(0, 2, 3, 1).numpy()
            ).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sampling", [Sampling("segments"), Sampling("pyslowfast", 2)], ids=str)
def test_the_same_frames_are_sampled(original, copies, form, sampling, monkeypatch):
    asked: dict[str, list] = {}
    for name, root in (("before", original), ("after", copies[form])):
        seen = asked.setdefault(name, [])

        def recorded(path, choice, change, seen=seen):
            seen.append(choice(count_frames(path)) if callable(choice) else list(choice))
            return read_frames(path, seen[-1], change=change)

        monkeypatch.setattr("gta.data.dataset.read_frames", recorded)
        clips = TrainingClips(
            load_videos("ssv2", root, "train"),
            num_frames=4,
            transform=TrainTransform(size=32, resize=(40, 40)),
            flip="skip",
            seed=5,
            sampling=sampling,
        )
        for index in range(8):
            item = clips[1, index]
            assert [reason.split(" (")[0] for _, reason in item.failures] == (
                ["not a video that FFmpeg can open"] if index == 2 else []
            )
            seen.append((item.label, item.index))
    assert [indices for indices in asked["before"] if indices] == [
        indices for indices in asked["after"] if indices
    ]


def test_an_unreadable_original_stays_one(copies):
    for root in copies.values():
        video = load_videos("ssv2", root, "train").videos[2]
        assert isinstance(video.path, Unreadable)
        for read in (count_frames, read_frames, frame_rate):
            with pytest.raises(VideoError) as caught:
                read(video.path)
            assert caught.value.path == "20bn-something-something-v2/3.webm"
            assert caught.value.reason.startswith("not a video that FFmpeg can open")
            assert caught.value.reason.endswith("(when it was prepared)")
        views = ViewClips(
            load_videos("ssv2", root, "train"),
            num_frames=4,
            transform=ViewTransform(size=32, resize=(40, 40)),
        )
        assert views[2].clip is None
        assert views[2].failures[0][0] == "20bn-something-something-v2/3.webm"


@pytest.mark.parametrize("form", ["video", "jpeg"])
def test_shards_hold_the_same_bytes_as_files(original, prepared, copies, tmp_path, form):
    options = FORMS[f"{form} shards"] | {"shards": False}
    prepared(original, tmp_path / "files", **options)
    for split in ("train", "val", "test"):
        files = load_videos("ssv2", tmp_path / "files", split).videos
        members = load_videos("ssv2", copies[f"{form} shards"], split).videos
        for file, member in zip(files, members, strict=True):
            if file.id == "3":
                continue
            assert isinstance(member.path, Member)
            assert len(pickle.dumps(member)) < 500
            assert read_frames(member.path).equal(read_frames(file.path))
            assert read_frames(member.path, [3, 1]).equal(read_frames(file.path, [3, 1]))
            if form == "video":
                assert member.path.read() == file.path.read_bytes()


@pytest.mark.parametrize("form", ["video", "jpeg"])
def test_shards_are_what_webdataset_reads(copies, form):
    root = copies[f"{form} shards"]
    shards = sorted(root.glob("train-*.tar"))
    assert len(shards) > 1
    assert [shard.name for shard in shards] == [f"train-{i:06d}.tar" for i in range(len(shards))]
    told = []
    for shard in shards:
        with tarfile.open(shard) as tar:
            samples: dict[str, dict[str, bytes]] = {}
            for member in tar:
                key, _, ending = member.name.partition(".")
                if samples and key != list(samples)[-1]:
                    assert key not in samples  # members of a sample follow each other
                file = tar.extractfile(member)
                assert file is not None
                samples.setdefault(key, {})[ending] = file.read()
        for parts in samples.values():
            about = json.loads(parts.pop("json"))
            endings = (
                ["mp4"]
                if form == "video"
                else [f"{i:06d}.jpg" for i in range(1, about["num_frames"] + 1)]
            )
            assert list(parts) == endings
            told.append((about["id"], about["label"], about["num_frames"], about["fps"]))
    videos = load_videos("ssv2", root, "train").videos
    assert told == [(v.id, v.label, v.num_frames, v.fps) for v in videos if v.id != "3"]


def test_frames_in_memory_come_from_shards_too(copies):
    for form in ("video shards", "jpeg shards"):
        videos = load_videos("ssv2", copies[form], "val")
        cache = FrameCache.fill(videos, limit_gb=1, resize=(40, 56), workers=2)
        assert cache.num_cached == 4
        for video in videos.videos:
            expected = resize_frames(read_frames(video.path), (40, 56))
            frames = cache.read(video, [4, 2])
            assert frames is not None
            assert frames.equal(expected[[4, 2]])


@pytest.mark.parametrize(
    ("height", "width", "options", "expected"),
    [
        (240, 427, {}, (240, 426)),
        (480, 853, {}, (256, 454)),
        (853, 480, {}, (454, 256)),
        (240, 427, {"form": "jpeg"}, (240, 427)),
        (240, 427, {"resize": (240, 320)}, (240, 320)),
        (100, 176, {"resize": (240, 320)}, (100, 176)),
        (480, 640, {"resize": None}, (480, 640)),
        (1, 5, {"resize": None}, (2, 4)),
    ],
)
def test_sizes(height, width, options, expected):
    assert Options(**options).size(height, width) == expected


def test_a_gain_in_words():
    assert str(Gain(8, 30.0, 111.0, 10, 27)) == (
        "x3.7 faster reading for 2.7x the disk (30 and 111 videos/s on a core, 8 videos)"
    )
    assert str(Gain(8, 60.0, 52.0, 10, 11)).startswith("reading gains nothing (x0.9) for 1.1x the")


def test_a_better_quality():
    better = {q: Options(quality=q).better_quality for q in (23, 3, 0)}
    assert better == {23: 18, 3: 0, 0: None}
    assert [Options(form="jpeg", quality=q).better_quality for q in (85, 95)] == [95, None]


def test_resize_is_written_as_in_a_recipe():
    assert [parse_resize(text) for text in ("256", "240x320", "none")] == [256, (240, 320), None]
    with pytest.raises(UsageError, match=r"^--resize big: expected the short side in pixels, such"):
        parse_resize("big")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "png"}, "--as png is not possible; it is video or jpeg."),
        ({"resize": 1}, "--resize 1 is not possible; sides are 2 pixels or more."),
        ({"key_frames": 0}, "--key-frames 0 is not possible; it is at least 1."),
        ({"form": "jpeg", "quality": 96}, "--quality 96 is not possible; with --as jpeg it is 1"),
        ({"quality": 52}, "--quality 52 is not possible; with --as video it is 0 to 51."),
    ],
)
def test_options_that_are_not_possible(options, message):
    with pytest.raises(UsageError) as caught:
        Options(**options)
    assert str(caught.value).startswith(message)


def test_a_folder_per_class_with_videos_frames_and_odd_names(tmp_path, write_video, prepared):
    root = tmp_path / "data"
    for name in "ab":
        for i in range(3):
            images = texture(6, 32, 40, i)
            write_video(root / name / f"{i} é.x.mp4", images=images, height=32, width=40)
        write_video(root / name / "0 é.x.avi", 5, codec="mpeg4", height=32, width=40)
        (root / name / "frames").mkdir()
        for i, image in enumerate(texture(7, 33, 41, 9)):
            Image.fromarray(image).save(root / name / "frames" / f"{i}.png")
    for form in ("video", "jpeg"):
        out = tmp_path / form
        prepared(root, out, format="folder", form=form, shards=form == "jpeg")
        for split in ("train", "val"):
            before, after = (load_videos("folder", place, split) for place in (root, out))
            assert before.classes == after.classes
            for video, other in zip(before.videos, after.videos, strict=True):
                assert (video.id, video.label) == (other.id, other.label)
                assert count_frames(video.path) == len(read_frames(other.path)) == other.num_frames
                assert other.fps == frame_rate(video.path)
                if other.fps is None and form == "video":
                    assert frame_rate(other.path) == 30  # as sampling takes for pictures
        with pytest.raises(DataError, match="was prepared without the split 'test': "):
            load_videos("folder", out, "test")
        with pytest.raises(UsageError) as caught:
            load_videos("folder", out, "train", val_fraction=0.5)
        assert str(caught.value) == (
            f"{out} was prepared from data.val_fraction=0.2, and data.val_fraction=0.5 is asked "
            f"for. Use --set data.val_fraction=0.2, or prepare the data set again."
        )
        with pytest.raises(
            UsageError, match=r"from data\.keep_groups=False, and data\.keep_groups=T"
        ):
            load_videos("folder", out, "train", keep_groups=True)


VARIABLE = [0, 1, 2, 3, 30, 31, 60, 61, 62, 100, 101, 130, 131, 132, 133, 140]


@pytest.mark.parametrize(
    ("times", "rate"),
    [(VARIABLE, 25), (range(12), 25), (range(12), Fraction(30000, 1001)), (range(6), 0.2)],
    ids=["variable", "constant", "NTSC", "slow"],
)
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_frames_are_shown_when_those_of_the_original_are(tmp_path, times, rate, ending):
    rate = Fraction(rate).limit_denominator(10_000)
    source, target = tmp_path / f"a.{ending}", tmp_path / "copy.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for time, image in zip(times, texture(len(times), 32, 48, 1), strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = time, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    copy = write_copy(source, target, Options(key_frames=5))
    assert copy.num_frames == len(times) == count_frames(target)
    assert copy.fps == pytest.approx(frame_rate(target), rel=1e-3)
    shown = frame_times(target)
    assert shown == pytest.approx([float(time / rate) for time in times], abs=0.002)


def test_videos_of_two_splits_are_copied_once(tmp_path, write_video, prepared):
    root = tmp_path / "ucf"
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("1 a\n2 b")
    (lists / "trainlist01.txt").write_text("a/1.avi 1\nb/2.avi 2")
    (lists / "testlist01.txt").write_text("a/3.avi\nb/4.avi")
    for name in ("a/1", "b/2", "a/3", "b/4"):
        write_video(root / f"{name}.avi", 6, codec="mpeg4", height=32, width=40)
    prepared(root, tmp_path / "out", format="ucf101", shards=True)
    assert sorted(p.name for p in (tmp_path / "out").glob("*.tar")) == [
        "train-000000.tar",
        "val-000000.tar",
    ]
    val, test = (load_videos("ucf101", tmp_path / "out", s) for s in ("val", "test"))
    assert val.videos == test.videos
    with pytest.raises(UsageError, match=r"was prepared from data.fold=1, and data.fold=2 is"):
        load_videos("ucf101", tmp_path / "out", "val", fold=2)


def test_it_may_be_moved(copies, tmp_path):
    for form in ("video", "jpeg shards"):
        moved = Path(shutil.copytree(copies[form], tmp_path / form))
        a, b = (load_videos("ssv2", root, "val").videos[0] for root in (copies[form], moved))
        assert read_frames(a.path).equal(read_frames(b.path))


def test_mistakes_when_it_is_read(copies, tmp_path):
    with pytest.raises(UsageError, match=r"was prepared from data.format=ssv2, and data.format=k"):
        load_videos("kinetics", copies["video"], "train")
    shutil.copytree(copies["video shards"], tmp_path / "cut")
    shard = tmp_path / "cut" / "val-000000.tar"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DataError) as caught:
        load_videos("ssv2", tmp_path / "cut", "train")
    assert (
        str(caught.value) == f"The shard {shard} has {size - 100} of {size} bytes: copy it again."
    )
    shard.unlink()
    with pytest.raises(DataError, match=r"val-000000.tar is missing: copy it again."):
        load_videos("ssv2", tmp_path / "cut", "train")
    manifest = tmp_path / "cut" / "prepared.json"
    manifest.write_text(manifest.read_text().replace('"gta_prepared": 1', '"gta_prepared": 2'))
    with pytest.raises(DataError, match=r"is of version 2 and this gta reads version 1: prepare"):
        load_videos("ssv2", tmp_path / "cut", "train")
    manifest.write_text("{}")
    with pytest.raises(DataError, match="is not the manifest of a prepared data set"):
        load_videos("ssv2", tmp_path / "cut", "train")
    manifest.unlink()
    with pytest.raises(DataError, match="is prepared only in part: type the same `gta prepare`"):
        load_videos("ssv2", tmp_path / "cut", "train")


def test_a_damaged_shard_is_a_video_error_that_says_where(copies, tmp_path):
    shutil.copytree(copies["jpeg shards"], tmp_path / "a")
    videos = load_videos("ssv2", tmp_path / "a", "val")
    shard = tmp_path / "a" / "val-000000.tar"
    shard.write_bytes(bytes(shard.stat().st_size))
    path = videos.videos[0].path
    with pytest.raises(VideoError) as caught:
        read_frames(path)
    assert str(caught.value) == (
        f"{shard}: 9: its shard cannot be read: its bytes are not those that were written "
        f"(checksum); copy the shard again"
    )
    other = videos.videos[1].path
    shard.write_bytes(b"")
    with pytest.raises(VideoError, match=r"its shard cannot be read: it is shorter than its index"):
        read_frames(other)


def test_the_manifest_has_a_line_for_each_video(copies):
    text = (copies["video"] / "prepared.json").read_text()
    assert sum(line.startswith('["') for line in text.splitlines()) == 14
    manifest = find_manifest(copies["video"])
    assert manifest is not None
    assert manifest["problems"] == 1
    assert manifest["gain"]["videos"] == 7
