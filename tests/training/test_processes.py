"""Processes that train together: what they leave behind."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

STEP = """
import gc
import sys
import weakref

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from gta.training.processes import joined_processes


def step():
    model = DistributedDataParallel(torch.nn.Linear(3, 3))
    model(torch.ones(2, 3)).sum().backward()


gc.disable()  # it may not have run when the group is left
with joined_processes("cpu") as processes:
    group = weakref.ref(dist.group.WORLD)
    step()
    assert processes.gather(processes.rank) == [0, 1]
told = "gone" if group() is None else "left behind"
sys.stdout.write(f"{told}\\n")  # at once: torchrun buffers nothing, and print writes twice
"""


@pytest.mark.slow
def test_no_group_is_left_behind(tmp_path: Path):
    """Its threads could abort the process at its end, after all work is done."""
    script = tmp_path / "step.py"
    script.write_text(STEP)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", script),
        ],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["gone", "gone"]), done.stderr


STALL = """
import os
import signal
import sys
import time

import torch

from gta.training import heartbeat
from gta.training.processes import joined_processes

heartbeat.NAMED, heartbeat.ENDED, heartbeat._BEAT = 3.0, 6.0, 0.5
with joined_processes("cpu") as processes:
    processes.sum(torch.ones(1))
    if processes.rank == int(sys.argv[1]):
        print("stops", os.getpid(), flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    processes.sum(torch.ones(1))
print("went on", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("launcher", ["torchrun", "none"])
def test_a_stalled_process_is_named_and_ends_the_run(tmp_path: Path, rank: int, launcher: str):
    """Without `torchrun` the first process keeps the store through which they would hear of it."""
    script = tmp_path / "stall.py"
    script.write_text(STALL)
    if launcher == "torchrun":
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", script, str(rank)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        out, error, code = done.stdout, done.stderr, done.returncode
    else:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        both = [
            subprocess.Popen(
                [sys.executable, script, str(rank)],
                env=os.environ
                | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
                | {"RANK": str(number), "LOCAL_RANK": str(number)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in (0, 1)
        ]
        alive = both[1 - rank]
        _, error = alive.communicate(timeout=300)
        code = alive.returncode
        both[rank].kill()  # where its peer could not tell its name, it is still there
        out, _ = both[rank].communicate()
    assert code != 0
    assert "went on" not in out
    pid = out.split("stops ")[1].split()[0]
    where = rf"process {rank} \(pid {pid} on \S+\)"
    if launcher == "none" and rank == 0:
        where = r"127.0.0.1:\d+, where the processes meet \(the first host or process\)"
    assert re.search(rf"gta: {where} has not answered for \d s; the others wait for it\n", error)
    assert re.search(rf"gta: {where} has not answered for \d s: the run is ended. The", error)
