"""Loader processes that die or stall: what is named, what is read again, what ends the run."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from gta.data import stalls
from gta.data.batch import Batch
from gta.data.dataset import ViewClips
from gta.data.loader import evaluation_loader, training_loader
from gta.data.reading import NOTHING, Reading
from gta.data.records import VideoList
from gta.data.stalls import StallWatch, seconds_computed
from gta.data.transforms.clip import ViewTransform
from gta.data.workers import StalledError
from gta.errors import MachineError, Notice, VideoError

from .small_list import clips, seven_videos

DEADLY = """
import os
from torch.utils.data import get_worker_info

class Deadly:
    \"\"\"A choice of frames that ends its process at the video of so many.\"\"\"
    by_time = False

    def __init__(self, inner, frames, number):
        self.inner, self.frames, self.number = inner, frames, number

    def __call__(self, count, *arguments, **options):
        if count == self.frames and get_worker_info() is not None:
            os.kill(os.getpid(), self.number)
        return self.inner(count, *arguments, **options)
"""


@pytest.fixture
def videos(tmp_path, write_video) -> VideoList:
    return seven_videos(tmp_path, write_video)


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch):
    """Makes the processes die at the video with index 3."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))  # the processes get the same

    def made(dataset, number: int):
        from deadly import Deadly  # pyright: ignore[reportMissingImports]

        dataset.sampling = Deadly(dataset.sampling, 9 + 3, number)
        return dataset

    return made


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    pairs = list(zip(ours, theirs, strict=True))
    return all(torch.equal(a.clips, b.clips) and a.failures == b.failures for a, b in pairs)


def test_what_is_set_aside_is_as_what_cannot_be_read(videos):
    batches = list(
        training_loader(clips(videos), batch_size=7, seed=0, set_aside={"3.mp4": "it is deadly"})
    )
    failures = {failure for batch in batches for failure in batch.failures}
    assert failures == {(str(videos.videos[3].path), "it is deadly")}
    assert [len(batch.clips) for batch in batches] == [7]


def test_notes_are_of_the_processes_alone():
    reading = Reading(0, {"a": "why"})
    with pytest.raises(VideoError, match=r"^a.mp4: why$"):
        reading.begin(0, "a", "a.mp4")
    reading.begin(1, "b", "b.mp4")
    reading.end()
    assert reading.now() == [(NOTHING, NOTHING / 1e9)]


@pytest.mark.slow  # torch looks every 5 seconds
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_process_that_dies_is_named_with_its_video_and_the_order_stays(videos, deadly, number):
    aside = dict[str, str]()
    dataset = deadly(clips(videos), number)
    options = {"batch_size": 2, "seed": 0}
    loader = training_loader(dataset, workers=2, set_aside=aside, **options)
    batches = [*loader, *loader]  # two times the same epoch, with the same processes
    memory = ", as the system does where memory is full," if number == signal.SIGKILL else ""
    assert aside == {
        "3.mp4": f"a loader process was killed by {signal.Signals(number).name}{memory} while it "
        f"read this; set aside for this run"
    }
    calm = training_loader(clips(videos), set_aside=aside, **options)
    assert same(batches, [*calm, *calm])
    loader._iterator = None


def wait_until_all_is_read(loader) -> None:
    """Until its processes have given all batches that they were asked for, and are at no video."""
    batches, deadline = loader._iterator, time.monotonic() + 60
    while batches._worker_result_queue.qsize() < batches._tasks_outstanding:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {index for index, _ in loader._reading.now()} == {NOTHING}


@pytest.mark.slow  # torch looks every 5 seconds
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_process_that_dies_while_the_caller_computes(videos, number):
    """No error comes up in the midst of a step; the batches are all there."""
    loader = training_loader(clips(videos), workers=1, batch_size=2, seed=0)
    batches = iter(loader)
    first = next(batches)
    (worker,) = loader._iterator._workers
    wait_until_all_is_read(loader)  # or its video would rightly be set aside
    os.kill(worker.pid, number)
    worker.join()
    time.sleep(0.5)  # where a handler of SIGCHLD would raise
    calm = training_loader(clips(videos), batch_size=2, seed=0)
    assert same([first, *batches], list(calm))
    loader._iterator = None


@pytest.mark.slow
def test_a_process_that_dies_between_two_passes(videos):
    loader = training_loader(clips(videos), batch_size=2, seed=0, workers=1)
    first = list(loader)
    for _ in range(2):  # also of the processes that took its place
        (worker,) = loader._iterator._workers
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        assert same(first, list(loader))
    loader._iterator = None


@pytest.mark.slow
def test_in_testing_it_is_a_video_that_cannot_be_read(videos, deadly):
    dataset = ViewClips(videos, num_frames=4, transform=ViewTransform(size=16, resize=None))
    loader = evaluation_loader(deadly(dataset, signal.SIGKILL), batch_size=2, workers=1)
    batches = list(loader)
    assert [batch.indices.tolist() for batch in batches] == [[0, 1], [2], [4, 5], [6]]
    (failure,) = [failure for batch in batches for failure in batch.failures]
    assert failure[0] == str(videos.videos[3].path)
    assert "was killed by SIGKILL" in failure[1]


@pytest.mark.slow
def test_a_process_that_stalls_is_named_and_ends_the_run(videos, deadly, monkeypatch):
    monkeypatch.setattr(stalls, "NAMED", 1.0)
    monkeypatch.setattr(stalls, "ENDED", 4.0)
    aside = dict[str, str]()
    dataset = deadly(clips(videos), signal.SIGSTOP)
    loader = training_loader(dataset, batch_size=2, seed=0, workers=1, set_aside=aside)
    place = rf"loader process 0 \(pid \d+\), which reads {videos.videos[3].path},"
    with (
        pytest.warns(Notice, match=rf"^{place} has done nothing for \d+ s$"),
        pytest.raises(StalledError, match=rf"^{place} has done nothing for \d+ s and was ended."),
    ):
        list(loader)
    assert list(aside) == ["3.mp4"]
    assert issubclass(StalledError, MachineError)


@pytest.mark.parametrize(("computes", "given_up"), [(True, []), (False, [1])])
@pytest.mark.filterwarnings("ignore:process 1 has done nothing")
def test_a_process_that_computes_is_slow_and_not_stalled(monkeypatch, computes, given_up):
    clock, times = itertools.count(), itertools.count()
    monkeypatch.setattr(stalls, "_LOOK_EVERY", 0.001)
    monkeypatch.setattr(stalls, "seconds_computed", lambda pid: next(times) if computes else 7.0)
    monkeypatch.setattr(stalls.time, "monotonic", lambda: 10.0 * next(clock))
    ended, looks, enough = [], itertools.count(), threading.Event()

    def busy_since():
        if next(looks) == 20 or ended:
            enough.set()
        return [None, 0.0]

    watch = StallWatch(
        [1, 2],
        busy_since,
        lambda number: f"process {number}",
        lambda number, seconds: (ended.append(number), enough.set()),
    )
    assert enough.wait(60)
    watch.close()
    assert ended == given_up


def test_processor_time_of_a_process_that_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert seconds_computed(process.pid) is None
    assert seconds_computed(os.getpid()) is not None
