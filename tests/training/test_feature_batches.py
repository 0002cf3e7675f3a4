from pathlib import Path

import pytest
import torch

from gta.config import Recipe
from gta.data.records import Video, VideoList
from gta.features import FrozenVideo, FrozenVideos
from gta.recipes import find_recipe, read_recipe
from gta.training.features import FeatureBatches
from gta.training.processes import Processes


def frozen(num_test: int, drawn: int) -> FrozenVideos:
    """Twelve videos whose features tell the video, the view and the frame."""
    videos = VideoList([Video(str(i), Path(str(i)), i % 2) for i in range(12)], ["a", "b"])
    frames = torch.arange(4.0).view(1, 4, 1, 1).expand(5, 4, 2, 2)
    found = {
        i: FrozenVideo(
            [100 * i + 10 * v + frames for v in range(num_test + drawn)],
            [i % 2] * (num_test + drawn),
        )
        for i in range(12)
    }
    return FrozenVideos(videos, num_test, found)


def batches(found: FrozenVideos, *settings: str) -> FeatureBatches:
    more = ["train.batch_size=4", "clip.num_frames=4", *settings]
    recipe = read_recipe(find_recipe("folder", "lite0_gta"), more)
    assert isinstance(recipe, Recipe)
    return FeatureBatches(found, recipe, Processes(torch.device("cpu")))


def test_each_frame_is_of_one_of_the_clips_and_the_same_place():
    source = batches(frozen(4, 0), "test.protocol=1x2-center160@176+flip")
    seen = set()
    for epoch in range(6):
        for batch in source.epoch(epoch):
            for features, index in zip(batch.clips, batch.indices.tolist(), strict=True):
                assert (features == features[:1, :, :1, :1]).all()
                frames = features[0, :, 0, 0]
                assert (frames // 100 == index).all()
                assert (frames % 10).tolist() == [0, 1, 2, 3]  # in order
                views = (frames % 100 // 10).int().tolist()
                assert len({view % 2 for view in views}) == 1  # mirrored or not
                seen.add(tuple(view // 2 for view in views))
    assert len(seen) > 10


@pytest.mark.parametrize("sampling", ["segments", "dense"])
def test_clips_of_other_parts_of_the_video_are_not_mixed(sampling: str):
    mode = ["clip.sampling=dense", "clip.stride=2"] if sampling == "dense" else []
    source = batches(frozen(2, 0), "test.protocol=1x2-center160@176", *mode)
    mixed = [len((one[0, :, 0, 0] // 10).unique()) > 1 for b in source.epoch(0) for one in b.clips]
    assert any(mixed) == (sampling == "segments")


def test_a_view_that_was_drawn_stays_as_it_is_and_an_epoch_is_the_same_again():
    source = batches(frozen(2, 1), "test.protocol=1x2-center160@176")
    first = torch.cat([batch.clips for batch in source.epoch(3)])
    again = torch.cat([batch.clips for batch in source.epoch(3)])
    assert torch.equal(first, again)
    views = first[:, 0, :, 0, 0] % 100 // 10
    assert all(set(one.tolist()) <= {0, 1} or set(one.tolist()) == {2} for one in views)
    assert (views == 2).any()
