"""Clips are joined in memory that is used again, with the values and the order of new memory."""

from concurrent.futures import ThreadPoolExecutor

import torch

from gta.predict.batches import Batches, filled


def clips(count: int, size: int, first: int = 0) -> list[torch.Tensor]:
    """Views (1, 3, 2, size, size) as frames are decoded, each with a number of its own."""
    shape = (1, 2, size, size, 3)
    rows = [torch.full(shape, first + i, dtype=torch.uint8) for i in range(count)]
    return [row.permute(0, 4, 1, 2, 3) for row in rows]


def test_joined_views_are_those_of_their_videos():
    batches = Batches()
    for count, size in ((3, 4), (2, 4), (4, 6), (1, 2)):
        views = clips(count, size)
        joined = batches.joined(views)
        assert torch.equal(joined, torch.stack(views))
        assert joined.movedim(2, -1).is_contiguous()


def test_threads_have_memory_of_their_own():
    batches = Batches()
    ours = batches.joined(clips(2, 4))
    with ThreadPoolExecutor(1) as other:
        theirs = other.submit(batches.joined, clips(2, 4, first=5)).result()
        assert torch.equal(ours, torch.stack(clips(2, 4)))
        assert torch.equal(theirs, torch.stack(clips(2, 4, first=5)))


def test_memory_of_inference_mode_serves_outside_of_it():
    batches = Batches()
    with torch.inference_mode():
        batches.joined(clips(2, 4))
    assert torch.equal(batches.joined(clips(2, 4, first=7)), torch.stack(clips(2, 4, first=7)))


def test_a_batch_with_room_holds_the_videos_first():
    batches = Batches()
    joined = batches.joined(clips(3, 4), size=4)
    assert joined.shape == (4, 1, 3, 2, 4, 4)
    assert torch.equal(joined[:3], torch.stack(clips(3, 4)))


def test_a_batch_on_a_gpu_has_one_of_few_sizes():
    sizes = [filled(videos) for videos in range(1, 33)]
    assert sizes[:9] == [1, 2, 4, 4, 8, 8, 8, 8, 16]
    assert set(sizes) == {1, 2, 4, 8, 16, 24, 32}
    assert all(size >= videos for videos, size in enumerate(sizes, start=1))
