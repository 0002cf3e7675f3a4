"""Processes that train together: what they leave behind."""

import subprocess
import sys
from pathlib import Path

import pytest

STEP = """
import gc
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
print("gone" if group() is None else "left behind")
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
