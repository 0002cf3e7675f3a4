import os
import signal
import warnings

import numpy as np
import pytest
import torch

from gta.data import batch
from gta.data.cache import FrameCache
from gta.data.dataset import ViewClips
from gta.data.loader import EpochOrder, evaluation_loader, num_workers, training_loader
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import ViewTransform
from gta.errors import DataError, UsageError

from .small_list import clips, seven_videos


@pytest.fixture
def videos(tmp_path, write_video) -> VideoList:
    return seven_videos(tmp_path, write_video)


def views(videos: VideoList, size: int = 16, cache: FrameCache | None = None) -> ViewClips:
    transform = ViewTransform(size=size, resize=None)
    return ViewClips(videos, num_frames=4, transform=transform, cache=cache)


def test_an_epoch_is_a_permutation_of_its_own():
    def indices(**options):
        batches = list(EpochOrder(10, batch_size=5, **options))
        return [index for batch in batches for _, index in batch]

    first = indices(seed=0)
    assert sorted(first) == list(range(10))
    assert indices(seed=0) == first
    assert len({tuple(indices(seed=s, epoch=e)) for s in range(3) for e in range(3)}) == 9
    assert {epoch for batch in EpochOrder(10, batch_size=5, seed=0, epoch=4) for epoch, _ in batch}
    assert next(iter(EpochOrder(10, batch_size=5, seed=0, epoch=4)))[0][0] == 4


def test_processes_share_each_batch():
    whole = list(EpochOrder(23, batch_size=6, seed=1, epoch=2))
    parts = [
        list(EpochOrder(23, batch_size=6, seed=1, epoch=2, rank=rank, world_size=3))
        for rank in range(3)
    ]
    assert len(whole) == 3  # the last, incomplete batch is left out
    assert whole == [[*a, *b, *c] for a, b, c in zip(*parts, strict=True)]


def test_resuming_gives_the_rest():
    whole = list(EpochOrder(20, batch_size=4, seed=1, epoch=2))
    for start in range(7):
        order = EpochOrder(20, batch_size=4, seed=1, epoch=2, start_batch=start)
        assert list(order) == whole[start:]
        assert len(order) == len(whole[start:])
        assert order.num_batches == 5


@pytest.mark.parametrize("repeats", [2, 3])
def test_repeated_augmentation(repeats, videos):
    order = EpochOrder(7, batch_size=6, seed=1, epoch=2, repeats=repeats)
    batches = list(order)
    assert len(batches) == order.num_batches == 7 * repeats // 6
    keys = [key for batch in batches for key in batch]
    plain = EpochOrder(7, batch_size=7, seed=1, epoch=2)
    (single,) = plain
    assert keys == [(*key, r) for key in single for r in range(repeats)][: len(keys)]
    parts = [
        list(EpochOrder(7, batch_size=6, seed=1, epoch=2, repeats=repeats, rank=r, world_size=2))
        for r in (0, 1)
    ]
    assert batches == [[*a, *b] for a, b in zip(*parts, strict=True)]
    resumed = EpochOrder(7, batch_size=6, seed=1, epoch=2, repeats=repeats, start_batch=1)
    assert list(resumed) == batches[1:]
    dataset = clips(videos)
    drawn = [dataset[key].clip for key in ((0, 3, 0), (0, 3, 1), (0, 3, 1))]
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[1], drawn[2])


def test_a_whole_epoch_has_every_video_in_batches_of_even_size():
    order = EpochOrder(62, batch_size=8, seed=1, whole=True)
    found = list(order)
    assert order.num_batches == len(order) == len(found) == 8
    assert {len(batch) for batch in found} == {7, 8}
    assert sorted(index for batch in found for _, index in batch) == list(range(62))
    resumed = EpochOrder(62, batch_size=8, seed=1, whole=True, start_batch=3)
    assert list(resumed) == found[3:]
    assert list(EpochOrder(64, batch_size=8, seed=1, whole=True)) == list(
        EpochOrder(64, batch_size=8, seed=1)
    )
    parts = [EpochOrder(9, batch_size=4, seed=1, rank=r, world_size=2, whole=True) for r in (0, 1)]
    assert [[len(batch) for batch in part] for part in parts] == [[2, 2], [2, 2]]


@pytest.mark.parametrize(("world_size", "expected"), [(1, 5), (2, 4), (5, 5)])
def test_a_set_smaller_than_a_batch_is_one_batch(world_size, expected):
    (batch,) = EpochOrder(5, batch_size=40, seed=0, world_size=world_size)
    assert len(batch) == expected // world_size


def test_order_mistakes():
    with pytest.raises(
        UsageError, match=r"^train.batch_size=0 is not possible; it is at least 1\.$"
    ):
        EpochOrder(9, batch_size=0, seed=0)
    with pytest.raises(UsageError) as caught:
        EpochOrder(9, batch_size=3, seed=0, world_size=2)
    assert str(caught.value) == (
        "train.batch_size=3 cannot be shared by 2 processes; it counts the clips of all of them, "
        "so use a multiple of 2."
    )
    with pytest.raises(DataError, match=r"^1 training videos are too few for 2 processes\.$"):
        EpochOrder(1, batch_size=2, seed=0, world_size=2)


def test_batches_do_not_depend_on_the_number_of_workers(videos):
    def epochs(workers):
        loader = training_loader(clips(videos), batch_size=2, seed=5, workers=workers)
        batches = []
        for epoch, start in ((0, 0), (1, 1)):  # the worker processes are kept
            loader.batch_sampler.epoch, loader.batch_sampler.start_batch = epoch, start
            assert len(loader) == 3 - start
            batches += list(loader)
        return batches

    alone, shared = epochs(0), epochs(2)
    assert len(alone) == 3 + 2
    for a, b in zip(alone, shared, strict=True):
        assert a.clips.shape == (2, 3, 4, 16, 16)
        assert a.clips.dtype == torch.uint8
        assert a.labels.dtype == a.indices.dtype == torch.int64
        assert a.failures == b.failures == []
        for x, y in zip(a[:3], b[:3], strict=True):
            assert x.equal(y)
    assert torch.cat([b.labels for b in alone]).tolist() == [
        i % 2 for i in torch.cat([b.indices for b in alone]).tolist()
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_global_random_numbers_are_left_alone(videos, workers):
    torch.manual_seed(7)
    np.random.seed(7)
    before, before_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()
    for loader in (
        training_loader(clips(videos), batch_size=4, seed=0, workers=workers),
        evaluation_loader(views(videos), batch_size=4, workers=workers),
    ):
        assert list(loader)
    assert torch.get_rng_state().equal(before)
    assert (np.random.get_state()[1] == before_numpy).all()


@pytest.mark.parametrize("world_size", [1, 2, 3, 9])
def test_evaluation_takes_each_video_once(videos, world_size):
    shares = [
        [
            index
            for batch in evaluation_loader(
                views(videos), batch_size=2, rank=rank, world_size=world_size
            )
            for index in batch.indices.tolist()
        ]
        for rank in range(world_size)
    ]
    assert shares == [list(range(rank, 7, world_size)) for rank in range(world_size)]


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_batches_hold_what_could_be_read(videos, workers):
    for i in (1, 2, 3):
        videos.videos[i].path.write_bytes(b"")
    loader = evaluation_loader(views(videos), batch_size=2, workers=workers)
    batches = list(loader)
    assert [batch.indices.tolist() for batch in batches] == [[0], [], [4, 5], [6]]
    assert [len(batch.failures) for batch in batches] == [1, 2, 0, 0]
    assert batches[1].clips.shape == (0, 1, 3, 4, 16, 16)
    assert batches[2].clips.shape == (2, 1, 3, 4, 16, 16)
    assert batches[0].failures == [(str(videos.videos[1].path), "is empty (0 bytes)")]


@pytest.mark.parametrize("workers", [0, 1])
def test_mistakes_arrive_as_they_were_raised(videos, workers):
    with pytest.raises(UsageError, match=r"^A crop of 99x99 pixels does not fit") as caught:
        list(evaluation_loader(views(videos, size=99), batch_size=2, workers=workers))
    assert type(caught.value) is UsageError
    for video in videos.videos:
        video.path.unlink()
    with pytest.raises(DataError, match=r"^10 training videos in a row cannot be read") as caught:
        list(training_loader(clips(videos), batch_size=2, seed=0, workers=workers))
    assert str(caught.value).endswith("the videos of its annotation?")


def test_failures_in_training_are_on_record(videos):
    videos.videos[4].path.write_text("text")
    (batch,) = training_loader(clips(videos), batch_size=7, seed=0)
    assert len(batch.clips) == 7
    assert {path for path, _ in batch.failures} == {str(videos.videos[4].path)}


@pytest.mark.parametrize("workers", [0, 1])
def test_files_that_are_cut_off_are_counted(tmp_path, write_video, workers):
    def passes(num_cut: int) -> list[str]:
        paths = [
            write_video(tmp_path / f"{num_cut} {i}.webm", 20, codec="libvpx-vp9", gop=1)
            for i in range(4)
        ]
        for path in paths[:num_cut]:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        videos = VideoList([Video(p.name, p, i % 2) for i, p in enumerate(paths)], ["a", "b"])
        cache = FrameCache.fill(videos, limit_gb=1, resize=None)
        said = []
        for loader in (
            training_loader(clips(videos), batch_size=2, seed=0, workers=workers),
            evaluation_loader(views(videos), batch_size=3, workers=workers),
            evaluation_loader(views(videos, cache=cache), batch_size=3),
        ):
            batch._said.clear()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                assert not any(item.failures for item in loader)
            said.append([str(item.message) for item in caught])
        return [" ".join(told) for told in said]

    assert passes(0) == ["", "", ""]
    for told in passes(1):
        assert told.startswith(
            f"1 video file is cut off and used as far as it goes, first {tmp_path / '1 0.webm'}: "
        )
        assert told.endswith(" bytes. gta check names all")
    for told in passes(2):
        assert told.startswith("2 video files are cut off and used as far as they go, first ")


@pytest.mark.slow  # where the system does not tell at once, torch looks every 5 seconds
def test_a_killed_worker_is_replaced(videos):
    loader = training_loader(clips(videos), batch_size=1, seed=0, workers=1)
    batches = iter(loader)
    next(batches)
    (worker,) = loader._iterator._workers
    os.kill(worker.pid, signal.SIGKILL)
    assert len(list(batches)) == 6


def test_workers_are_not_forked_from_this_process(videos):
    """A copy of a process whose other thread holds a lock can wait for it for ever."""
    for loader in (
        training_loader(clips(videos), batch_size=2, seed=0, workers=1),
        evaluation_loader(views(videos), batch_size=2, workers=1),
    ):
        assert loader.multiprocessing_context.get_start_method() in ("forkserver", "spawn")


def test_num_workers(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert num_workers(3, world_size=2, cached=True) == 3
    assert num_workers(0) == 0
    assert num_workers(None, cached=True) == 0
    assert 1 <= num_workers(None) <= 8
    assert num_workers(None, world_size=10_000) == 1


def test_the_cores_of_a_machine_are_shared_by_its_own_processes(monkeypatch):
    monkeypatch.setattr("gta.data.loader.available_cores", lambda: 32)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert num_workers(None, world_size=16) == 2
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")  # two machines of eight processes
    assert num_workers(None, world_size=16) == 4
    assert num_workers(None) == 8
    for nothing in ("", "0", "eight"):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", nothing)
        assert num_workers(None, world_size=16) == 2


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_lie_in_memory_as_frames_are_decoded(videos, workers):
    """(B, T, H, W, C), what the networks take; copies into another order and back take time."""
    for loader in (
        training_loader(clips(videos), batch_size=2, seed=0, workers=workers),
        evaluation_loader(views(videos), batch_size=2, workers=workers),
    ):
        batch = next(iter(loader))
        assert batch.clips.movedim(-4, -1).is_contiguous()
