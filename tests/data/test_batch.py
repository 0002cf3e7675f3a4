"""The way of a batch from a loader process, also where shared memory is full."""

import os
import pickle
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
import torch

from gta.data import batch as module
from gta.data.batch import Batch, SharedBatch, possible_workers
from gta.errors import Notice


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_said", set())


@pytest.fixture
def some() -> Batch:
    """Clips that lie in memory as (B, T, H, W, C)."""
    clips = torch.arange(2 * 4 * 5 * 6 * 3, dtype=torch.uint8).view(2, 4, 5, 6, 3)
    labels, indices = torch.tensor([1, -1]), torch.tensor([7, 9])
    return Batch(clips.movedim(-1, -4), labels, indices, [("a.mp4", "is empty")])


def same(a: Batch, b: Batch) -> bool:
    pairs = zip(a[:3], b[:3], strict=True)
    return all(x.equal(y) and x.stride() == y.stride() for x, y in pairs) and a[3] == b[3]


def test_a_batch_that_fits_is_shared(some: Batch):
    shared = SharedBatch.of(some)
    assert isinstance(shared.clips, torch.Tensor)
    assert shared.clips.is_shared()
    assert same(shared.to_batch(), some)


@pytest.mark.parametrize("full", ["before", "meanwhile"])
def test_a_batch_that_does_not_fit_is_sent_as_bytes(some: Batch, monkeypatch, full: str):
    left_over = Path(f"/dev/shm/torch_{os.getpid()}_test")

    def fails(self):
        if left_over.parent.is_dir():
            left_over.touch()
        raise RuntimeError(
            f"unable to allocate shared memory(shm) for file </{left_over.name}>: No space left"
        )

    with monkeypatch.context() as patch:
        patch.setattr(module, "_free", lambda: 100 if full == "before" else 2**40)
        patch.setattr(torch.Tensor, "share_memory_", fails)
        shared = SharedBatch.of(some)
    sent = pickle.loads(ForkingPickler.dumps(shared))
    with pytest.warns(Notice, match=r"has no room for a batch: .* sent through pipes"):
        assert same(sent.to_batch(), some)
    assert not left_over.exists()


def test_without_room_for_queues_there_are_no_loader_processes(monkeypatch):
    assert possible_workers(3) == 3
    monkeypatch.setattr(module, "_free", lambda: 100)
    assert possible_workers(0) == 0
    with pytest.warns(Notice, match=r"videos are read by the process that computes.*shm-size=8g"):
        assert possible_workers(3) == 0
    monkeypatch.setattr(module, "_free", lambda: 2**23)
    assert possible_workers(3) == 3
    with pytest.warns(Notice, match="queues and 8 MB of frames"):
        assert possible_workers(3, 2**23) == 0
    monkeypatch.setattr(module, "_free", lambda: None)  # macOS
    assert possible_workers(3, 2**40) == 3


ROOM = "mount -t tmpfs -o size={size} tmpfs /dev/shm && exec {command}"


def may_mount() -> bool:
    try:
        mount = ["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /dev/shm"]
        return subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        return False


NO_QUEUES = "has no room for their queues: videos are read by the process that computes"


@pytest.mark.slow
@pytest.mark.skipif(not may_mount(), reason="a mount of one's own needs root")
@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("64k", NO_QUEUES),
        ("1100k", "has no room for a batch: batches are sent through pipes, which is slower"),
    ],
)
def test_training_with_little_shared_memory(
    ordered: Path, small_settings, tmp_path: Path, size: str, said: str
):
    values = [*small_settings, "data.cache_gb=0", "data.workers=2", "train.batch_size=20"]
    arguments = [
        *(sys.executable, "-m", "gta", "train", "--model", "tiny_gta", "--data", "ordered"),
        *("--device", "cpu", "--root", str(ordered), "--out", str(tmp_path / "run")),
        *(part for value in values for part in ("--set", value)),
    ]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", ROOM.format(size=size, command=" ".join(arguments))],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    begins = "gta: the shared memory of loader processes (/dev/shm, "
    told = [line for line in done.stderr.splitlines() if begins in line]
    assert [said in line for line in told].count(True) == 1
    # on a busy machine batches of training may still lie there when the queues of testing begin
    assert all(said in line or NO_QUEUES in line for line in told)
    assert len(set(told)) == len(told)
