from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from gta.config import Clip
from gta.data.cache import FrameCache
from gta.data.decode import count_frames, read_frames
from gta.data.records import VideoList
from gta.data.sampling import segment_indices
from gta.data.transforms.clip import ViewTransform, normalize
from gta.data.videos import load_videos
from gta.errors import DataError
from gta.evaluation.evaluate import evaluate
from gta.evaluation.scores import list_hash
from gta.protocols import parse_protocol

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLIP = Clip(num_frames=4, mean=MEAN, std=STD)


class Network(nn.Module):
    """Logits that depend on position and time."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv3d(3, 4, (2, 5, 5), stride=(1, 4, 4))
        self.drop = nn.Dropout(0.9)

    def forward(self, clips):
        return 9 * self.drop(self.conv(clips).mean((2, 3, 4)))


@pytest.fixture(scope="module")
def videos(ordered: Path) -> VideoList:
    return load_videos("ssv2", ordered, "val")


def scored(videos: VideoList, name: str, **options):
    settings = {"clip": CLIP, "batch_size": 5, "device": torch.device("cpu")} | options
    return evaluate(Network(), videos, parse_protocol(name), **settings)


def by_hand(video, name: str) -> torch.Tensor:
    """One video, view by view, written from the definition of the protocol."""
    protocol, network = parse_protocol(name), Network().eval()
    transform = ViewTransform(size=protocol.size, resize=protocol.resize, places=protocol.places)
    probabilities = []
    for clip in range(protocol.num_clips):
        indices = segment_indices(
            count_frames(video.path), 4, view=clip, num_views=protocol.num_clips
        )
        for crop in range(protocol.num_crops):
            view = transform(read_frames(video.path, indices), crop)
            with torch.no_grad():
                probabilities.append(network(normalize(view[None], MEAN, STD))[0].softmax(0))
    return torch.stack(probabilities).mean(0)


def test_scores_say_what_was_scored_and_how(videos: VideoList):
    about = scored(videos, "3x2-full24", dataset="ssv2", split="val").about
    assert (about.dataset, about.split, about.num_frames, about.num_views) == ("ssv2", "val", 4, 6)
    assert about.list_hash == list_hash(videos.classes, [(v.id, v.label) for v in videos.videos])


@pytest.mark.parametrize("name", ["1x1-center28", "1x3-center24@32", "3x2-full24"])
def test_scores_are_means_of_probabilities_over_views(videos: VideoList, name: str):
    found = scored(videos, name)
    expected = torch.stack([by_hand(video, name) for video in videos.videos])
    torch.testing.assert_close(found.scores, expected, atol=1e-5, rtol=0)
    assert found.ids == [video.id for video in videos.videos]
    assert found.labels.tolist() == [video.label for video in videos.videos]
    assert found.protocol == name
    assert found.classes == videos.classes


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 100}, {"workers": 2}])
def test_batches_and_workers_do_not_matter(videos: VideoList, options: dict):
    expected = scored(videos, "1x2-center28").scores
    found = scored(videos, "1x2-center28", **options).scores
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_frames_in_memory_give_the_same_scores(videos: VideoList):
    cache = FrameCache.fill(videos, limit_gb=1, resize=28)
    assert cache.num_cached == len(videos)
    cached = scored(videos, "1x1-center28", cache=cache)
    assert torch.equal(cached.scores, scored(videos, "1x1-center28").scores)


def with_damage(videos: VideoList, damaged: set[int], tmp_path: Path) -> VideoList:
    empty = tmp_path / "empty.webm"
    empty.touch()
    changed = [
        replace(video, path=empty) if i in damaged else video
        for i, video in enumerate(videos.videos)
    ]
    return VideoList(changed, videos.classes)


def test_an_unreadable_video_is_reported_and_never_replaced(videos: VideoList, tmp_path: Path):
    whole = scored(videos, "1x1-center28")
    found = scored(with_damage(videos, {2, 7}, tmp_path), "1x1-center28")
    kept = [i for i in range(len(videos)) if i not in (2, 7)]
    assert found.ids == [videos.videos[i].id for i in kept]
    torch.testing.assert_close(found.scores, whole.scores[kept], atol=1e-6, rtol=0)
    assert found.failures == [(str(tmp_path / "empty.webm"), "is empty (0 bytes)")] * 2


def test_not_one_readable_video(videos: VideoList, tmp_path: Path):
    damaged = with_damage(videos, set(range(len(videos))), tmp_path)
    with pytest.raises(
        DataError, match=r"None of 12 videos could be read; the first is .*: is empty \(0"
    ):
        scored(damaged, "1x1-center28")


def test_progress_counts_every_video(videos: VideoList, tmp_path: Path):
    seen = []
    scored(
        with_damage(videos, {0}, tmp_path),
        "1x1-center28",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(5, 12), (10, 12), (12, 12)]
