import pickle

import pytest
import torch

from gta.data import cache as cache_module
from gta.data.cache import FrameCache
from gta.data.dataset import TrainingClips, ViewClips
from gta.data.decode import read_frames
from gta.data.loader import training_loader
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import TrainTransform, ViewTransform, resize_frames


@pytest.fixture(scope="module")
def videos(tmp_path_factory, write_video, write_pictures) -> VideoList:
    """Five readable videos of several sizes, and two that are not."""
    root = tmp_path_factory.mktemp("videos")
    (root / "text.mp4").write_text("text")
    paths = [
        write_video(root / "a.mp4", 20),
        root / "text.mp4",
        write_video(root / "b.webm", 9, codec="libvpx-vp9", height=64, width=48),
        write_pictures(root / "c", 11),
        root / "gone.mp4",
        write_video(root / "short.mp4", 3, height=50, width=50),
        write_video(root / "d.avi", 16),
    ]
    return VideoList([Video(p.name, p, i % 2) for i, p in enumerate(paths)], ["a", "b"])


RESIZES = [(40, 56), 36, None]
FRAME_BYTES = 3 * 40 * 56


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("resize", RESIZES, ids=str)
def test_clips_are_the_same_with_and_without(videos, resize, workers):
    cache = FrameCache.fill(videos, limit_gb=1, resize=resize, workers=workers)
    assert cache.num_cached == 5
    for transform in (
        TrainTransform(size=24, resize=resize),
        TrainTransform(size=24, resize=resize, scales=(0.8,)),
    ):
        plain, cached = (
            TrainingClips(videos, num_frames=8, transform=transform, flip="skip", seed=1, cache=c)
            for c in (None, cache)
        )
        for index in range(len(videos)):
            for epoch in range(3):
                expected, item = plain[epoch, index], cached[epoch, index]
                assert item.clip.equal(expected.clip)
                assert (item.label, item.failures) == (expected.label, expected.failures)
    views = ViewTransform(size=32, resize=resize, places=(0, 1, 2))
    plain, cached = (
        ViewClips(videos, num_frames=4, transform=views, num_clips=2, cache=c)
        for c in (None, cache)
    )
    for index in range(len(videos)):
        expected, item = plain[index], cached[index]
        assert item.failures == expected.failures
        assert (item.clip is None) == (expected.clip is None) == bool(item.failures)
        assert item.clip is None or item.clip.equal(expected.clip)


def test_frames_come_from_memory(videos, monkeypatch):
    cache = FrameCache.fill(videos, limit_gb=1, resize=(40, 56))
    transform = TrainTransform(size=24, resize=(40, 56))
    monkeypatch.setattr("gta.data.dataset.read_frames", None)
    dataset = TrainingClips(
        videos, num_frames=8, transform=transform, flip="off", seed=0, cache=cache
    )
    assert dataset[0, 0].clip.shape == (3, 8, 24, 24)


def test_what_is_held_and_what_is_not(videos):
    calls = []
    cache = FrameCache.fill(
        videos, limit_gb=1, resize=(40, 56), progress=lambda *call: calls.append(call)
    )
    assert calls == [(done, 7) for done in range(1, 8)]
    counts = [cache.num_frames(video) for video in videos.videos]
    assert counts == [20, None, 9, 11, None, 3, 16]
    assert cache.bytes == sum(filter(None, counts)) * FRAME_BYTES
    assert cache.read(videos.videos[1], [0]) is None
    for video in (videos.videos[0], videos.videos[3]):
        expected = resize_frames(read_frames(video.path), (40, 56))
        assert cache.read(video, [5, 0, 5]).equal(expected[[5, 0, 5]])


@pytest.mark.parametrize("workers", [0, 2])
def test_the_limit(videos, workers):
    limit = (20 + 9 + 11) * FRAME_BYTES
    for num_bytes, expected in ((limit, 3), (limit - 1, 2), (0, 0)):
        cache = FrameCache.fill(
            videos, limit_gb=num_bytes / 2**30, resize=(40, 56), workers=workers
        )
        assert cache.num_cached == expected
        assert cache.bytes <= num_bytes
        assert cache.bytes == sum(cache.num_frames(v) or 0 for v in videos.videos) * FRAME_BYTES


def test_many_chunks_and_one_video_too_large(videos, monkeypatch):
    whole = FrameCache.fill(videos, limit_gb=1, resize=(40, 56))
    # of the files' frames, before they are resized, one of 20 and one of 16 frames are too large
    monkeypatch.setattr(cache_module, "_CHUNK_BYTES", 12 * 3 * 48 * 64)
    cache = FrameCache.fill(videos, limit_gb=1, resize=(40, 56), workers=2)
    held = [video for video in videos.videos if cache.num_frames(video)]
    assert [video.id for video in held] == ["b.webm", "c", "short.mp4"]
    for video in held:
        assert cache.read(video, [2, 0]).equal(whole.read(video, [2, 0]))


def test_loader_processes_share_it(videos, monkeypatch):
    monkeypatch.setattr(cache_module, "_CHUNK_BYTES", 2**18)
    cache = FrameCache.fill(videos, limit_gb=1, resize=(40, 56))
    readable = VideoList([v for v in videos.videos if cache.num_frames(v)], videos.classes)
    dataset = TrainingClips(
        readable,
        num_frames=8,
        transform=TrainTransform(size=24, resize=(40, 56)),
        flip="skip",
        seed=0,
        cache=pickle.loads(pickle.dumps(cache)),  # as a process that is spawned gets it
    )
    batches = [
        torch.cat([b.clips for b in training_loader(dataset, batch_size=2, seed=0, workers=w)])
        for w in (0, 2)
    ]
    assert batches[0].equal(batches[1])
