import numpy as np
import pytest
import torch

from gta.config import Clip
from gta.data.cache import FrameCache
from gta.data.dataset import TrainingClips, ViewClips
from gta.data.decode import read_frames
from gta.data.records import Video, VideoList
from gta.data.sampling import Sampling
from gta.data.transforms.clip import TrainTransform, ViewTransform
from gta.data.videos import load_videos
from gta.errors import DataError, UsageError
from gta.inference import protocol_views
from gta.protocols import parse_protocol

WHOLE = {"size": 32, "resize": (32, 32)}


def clips(videos: VideoList, *, transform=None, flip="off", seed=0, **options) -> TrainingClips:
    transform = transform or TrainTransform(**WHOLE, scales=(1,))
    return TrainingClips(videos, num_frames=8, transform=transform, flip=flip, seed=seed, **options)


@pytest.fixture
def videos(tmp_path, write_video) -> VideoList:
    """Four videos of two classes, with 35 frames."""
    paths = [write_video(tmp_path / f"{i}.mp4", 35, gop=12) for i in range(4)]
    return VideoList([Video(p.name, p, label=i % 2) for i, p in enumerate(paths)], ["a", "b"])


def test_training_clips_show_one_frame_of_each_segment(videos, frame_numbers):
    item = clips(videos)[0, 3]
    assert item.clip.shape == (3, 8, 32, 32)
    assert item.clip.dtype == torch.uint8
    assert (item.label, item.index, item.failures) == (1, 3, ())
    assert [i // 4 for i in frame_numbers(item.clip.transpose(0, 1))] == list(range(8))


def test_a_clip_is_a_function_of_seed_epoch_and_index(videos, frame_numbers):
    def frames(epoch, index, seed=0):
        return frame_numbers(clips(videos, seed=seed)[epoch, index].clip.transpose(0, 1))

    dataset = clips(videos, transform=TrainTransform(size=24, resize=(40, 56)))
    first = dataset[5, 2].clip
    np.random.seed(1)
    torch.manual_seed(1)
    _ = dataset[0, 0], dataset[5, 1]
    assert dataset[5, 2].clip.equal(first)
    drawn = [frames(*key) for key in ((0, 0), (1, 0), (0, 1), (0, 0, 1))]
    assert len({tuple(each) for each in drawn}) == 4
    assert frames(0, 0) == drawn[0]


def test_dense_clips(videos, frame_numbers):
    drawn = frame_numbers(clips(videos, sampling=Sampling("dense", 2))[0, 1].clip.transpose(0, 1))
    assert np.diff(drawn).tolist() == [2] * 7
    dataset = ViewClips(
        videos,
        num_frames=8,
        transform=ViewTransform(**WHOLE),
        num_clips=2,
        sampling=Sampling("dense", 2),
    )
    first, last = (frame_numbers(view.transpose(0, 1)) for view in dataset[0].clip)
    assert (first[0], last[-1]) == (0, 34)


@pytest.mark.parametrize("num_frames", [1, 3])
def test_short_videos_repeat_frames(tmp_path, write_video, frame_numbers, num_frames):
    path = write_video(tmp_path / "short.mp4", num_frames)
    videos = VideoList([Video("short", path, 0)], ["a"])
    expected = {1: [0] * 8, 3: [0, 0, 0, 1, 1, 2, 2, 2]}[num_frames]
    item = clips(videos)[0, 0]
    assert frame_numbers(item.clip.transpose(0, 1)) == expected
    view = ViewClips(videos, num_frames=8, transform=ViewTransform(**WHOLE))[0]
    assert frame_numbers(view.clip[0].transpose(0, 1)) == expected


@pytest.fixture
def sided(tmp_path, write_video):
    """Videos dark on the left and bright on the right, one of each class in a folder."""
    image = np.full((8, 48, 64, 3), 40, np.uint8)
    image[:, :, 32:] = 200
    for name in ("jump", "turn left", "turn right", "spin clockwise"):
        for split in ("train", "val"):
            write_video(tmp_path / split / name / "1.mp4", images=image)
    return load_videos("folder", tmp_path, "train")


@pytest.mark.parametrize("flip", ["skip", "remap", "off"])
def test_flips_by_class(sided, flip):
    dataset = clips(sided, flip=flip)
    jump, spin, left, right = range(4)
    assert sided.classes == ["jump", "spin clockwise", "turn left", "turn right"]
    seen = {label: set() for label in range(4)}
    for epoch in range(16):
        for index in range(4):
            item = dataset[epoch, index]
            mirrored = bool(item.clip[:, :, :, :16].float().mean() > 120)
            seen[index].add((mirrored, item.label))
    both = {"off": False, "skip": False, "remap": True}[flip]
    assert seen[jump] == ({(False, jump), (True, jump)} if flip != "off" else {(False, jump)})
    assert seen[spin] == {(False, spin)}  # no class for its mirror image
    assert seen[left] == ({(False, left), (True, right)} if both else {(False, left)})
    assert seen[right] == ({(False, right), (True, left)} if both else {(False, right)})


def test_views_are_followed_by_their_mirror_images_unless_a_class_has_a_direction(sided):
    protocol, clip = parse_protocol("1x2-center32@48+flip"), Clip(num_frames=4)
    views = protocol_views(sided, protocol, clip)
    assert views.shape == (2, 3, 4, 32, 32)
    plain = VideoList(sided.videos, ["jump", "spin", "turn", "walk"])
    views = protocol_views(plain, protocol, clip)
    four = views[0].clip
    assert four.shape == views.shape == (4, 3, 4, 32, 32)
    assert torch.equal(four[1], four[0].flip(-1))
    assert torch.equal(four[3], four[2].flip(-1))
    assert not torch.equal(four[1], four[0])


def test_an_unreadable_video_is_on_record_and_another_is_drawn(videos, frame_numbers):
    path = videos.videos[2].path
    path.write_text("text")
    dataset = clips(videos)
    item, reason = dataset[0, 2], "not a video that FFmpeg knows (is it a text file?)"
    assert item.index == 2
    assert set(item.failures) == {(str(path), reason)}
    assert [i // 4 for i in frame_numbers(item.clip.transpose(0, 1))] == list(range(8))
    again = dataset[0, 2]
    assert again.clip.equal(item.clip)
    assert again.label == item.label
    assert len({dataset[epoch, 2].label for epoch in range(12)}) == 2


def test_too_many_unreadable_videos(videos):
    for video in videos.videos:
        video.path.unlink()
    with pytest.raises(DataError) as caught:
        clips(videos)[0, 1]
    assert str(caught.value) == (
        f"10 training videos in a row cannot be read; the first is {videos.videos[1].path}: no "
        f"such file. Is the data folder complete, and are these the videos of its annotation?"
    )


def test_views_in_time_and_space(tmp_path, write_video, frame_numbers):
    ramp = np.linspace(0, 150, 96, dtype=np.uint8)[None, None, :, None]
    frames = np.arange(32, dtype=np.uint8)[:, None, None, None] * 3
    images = np.broadcast_to(ramp + frames, (32, 32, 96, 3))
    path = write_video(
        tmp_path / "wide.mp4", images=images, height=32, width=96, options={"crf": "5"}
    )
    transform = ViewTransform(size=32, resize=None, places=(0, 1, 2))
    videos = VideoList([Video("wide", path, None)], ["a", "b"])
    dataset = ViewClips(videos, num_frames=4, transform=transform, num_clips=2)
    assert len(dataset) == 1
    item = dataset[0]
    assert (item.label, item.index, item.failures) == (-1, 0, ())
    assert item.clip.shape == dataset.shape == (6, 3, 4, 32, 32)
    times = [2, 10, 18, 26], [6, 14, 22, 30]
    for view, clip in enumerate(item.clip):
        left = (0, 32, 64)[view % 3]
        for t, i in enumerate(times[view // 3]):
            expected = torch.from_numpy(images[i, :, left : left + 32, 0].copy())
            assert (clip[0, t].int() - expected.int()).abs().float().mean() < 1.2


def test_testing_puts_nothing_in_the_place_of_an_unreadable_video(videos):
    videos.videos[1].path.write_bytes(b"")
    dataset = ViewClips(videos, num_frames=8, transform=ViewTransform(**WHOLE))
    item = dataset[1]
    assert item.clip is None
    assert (item.label, item.index) == (1, 1)
    assert item.failures == ((str(videos.videos[1].path), "is empty (0 bytes)"),)
    assert dataset[0].clip is not None


def test_a_count_in_the_annotation_is_not_counted_again(videos, frame_numbers, monkeypatch):
    asked: list = []
    monkeypatch.setattr(
        "gta.data.dataset.read_frames",
        lambda *a, **changed: asked.append(a[1]) or read_frames(*a, **changed),
    )
    known = VideoList([Video("a", videos.videos[0].path, 0, num_frames=16)], ["a", "b"])
    view = ViewClips(known, num_frames=8, transform=ViewTransform(**WHOLE))[0]
    assert frame_numbers(view.clip[0].transpose(0, 1)) == [1, 3, 5, 7, 9, 11, 13, 15]
    assert asked == [[1, 3, 5, 7, 9, 11, 13, 15]]


def test_mistakes(videos):
    with pytest.raises(UsageError) as caught:
        clips(videos, flip="mirror")
    assert str(caught.value) == "flip='mirror' is not possible; it is 'skip', 'remap' or 'off'."
    cache = FrameCache.fill(videos, limit_gb=1, resize=(24, 24))
    for make in (
        lambda: clips(videos, cache=cache),
        lambda: ViewClips(videos, num_frames=8, transform=ViewTransform(**WHOLE), cache=cache),
    ):
        with pytest.raises(UsageError) as caught:
            make()
        assert str(caught.value) == (
            "the cache holds frames resized to (24, 24), but the transform resizes to (32, 32); "
            "fill the cache with resize=(32, 32)"
        )


def test_views_in_another_order_and_at_another_rate(tmp_path, write_video, frame_numbers):
    video = Video("a", write_video(tmp_path / "a.mp4", 16), 0)
    videos = VideoList([video], ["x", "y"])

    def shown(**options) -> list[int]:
        views = ViewClips(
            videos, num_frames=4, transform=ViewTransform(size=16, resize=None), **options
        )
        clip = views[0].clip
        assert clip is not None
        return frame_numbers(clip[0].transpose(0, 1))

    forward = shown()
    assert forward == sorted(forward)
    assert shown(order="reversed") == forward[::-1]
    assert shown(order="frozen") == [forward[2]] * 4
    mixed = shown(order="shuffled")
    assert mixed not in (forward, forward[::-1])
    assert sorted(mixed) == forward
    assert mixed == shown(order="shuffled")
    stride = Sampling("dense", 2)
    assert np.diff(shown(sampling=stride)).tolist() == [2, 2, 2]
    assert np.diff(shown(sampling=stride, keep_every=2)).tolist() == [4, 4, 4]
