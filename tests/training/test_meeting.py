"""Processes that meet: each attempt has a part of the store alone, whatever others have left."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from torch.distributed import HashStore, Store  # pyright: ignore[reportPrivateImportUsage]

from gta.errors import MachineError
from gta.training.meeting import agreed_place

SHORT = timedelta(seconds=0.3)


def attempt(store: Store, late: int, world_size: int = 3) -> set[str]:
    """Where processes meet, one of which comes after the others."""

    def come(rank: int) -> str:
        time.sleep(0.2 * (rank == late))
        return agreed_place(store, rank, world_size, timedelta(seconds=30))

    with ThreadPoolExecutor(world_size) as pool:
        return set(pool.map(come, range(world_size)))


def test_each_attempt_has_a_place_of_its_own_whoever_comes_first():
    store = HashStore()
    places = [attempt(store, late) for late in (0, 1, 2)]
    assert [len(place) for place in places] == [1, 1, 1]
    assert len(set.union(*places)) == 3


def test_an_attempt_that_was_cut_short_leaves_nothing_that_is_read_again():
    store = HashStore()
    with pytest.raises(MachineError, match=r"of 3 processes .*, process 0 did not come within 0 s"):
        agreed_place(store, 1, 3, SHORT)  # asks, and is gone
    with pytest.raises(MachineError, match=r"processes 1, 2 did not come"):
        agreed_place(store, 0, 3, SHORT)  # answers it
    assert len(attempt(store, late=0)) == 1


def test_process_0_waits_until_all_have_heard():
    """It may have answered those alone that are gone."""
    store, over = HashStore(), threading.Event()

    def first() -> str:
        place = agreed_place(store, 0, 2, timedelta(seconds=30))
        over.set()
        return place

    with ThreadPoolExecutor(2) as pool:
        place = pool.submit(first)
        store.add("gta/asked", 1)  # by a process that dies
        assert not over.wait(0.3)
        assert agreed_place(store, 1, 2) == place.result(timeout=30)


RESTARTED = """
import os
import signal
import sys
import time

import torch

from gta.training.processes import joined_processes

again = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
if again and os.environ["RANK"] == "0":
    time.sleep(3)  # the address at which it listened before is still in the store
with joined_processes("cpu") as processes:
    processes.sum(torch.ones(1))
    if not again and processes.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    sum = processes.sum(torch.ones(1)).item()
sys.stdout.write(f"{sum}\\n")  # at once: torchrun buffers nothing, and print writes twice
"""


@pytest.mark.slow
def test_a_process_that_is_started_again_before_the_first_one(tmp_path: Path):
    script = tmp_path / "restarted.py"
    script.write_text(RESTARTED)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = subprocess.run(
        [sys.executable, *launcher, "--max-restarts", "1", script],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["2.0", "2.0"]), done.stderr
