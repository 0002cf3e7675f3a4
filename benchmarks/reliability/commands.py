"""The command line in a process of its own, and a training that is small enough for many trials."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability import copies
from gta.ordered import render_dataset

SMALL = (
    *("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16"),
    *("model.dropout=0.3", "train.batch_size=8", "train.warmup_epochs=1", "data.cache_gb=0"),
)
LIMIT = 900.0
"""Seconds; what takes longer hangs."""


def small_set(root: Path) -> Path:
    """44 training and 22 held-out clips of 11 classes."""
    render_dataset(root, num_train=44, num_val=22, num_frames=8, height=32, width=32, workers=1)
    return root


def training(root: Path, out: Path, *settings: str, data: str = "ordered") -> list[str]:
    """The arguments of `gta` for a training."""
    return [
        *("train", "--model", "tiny_gta", "--data", data, "--device", "cpu"),
        *("--root", str(root), "--out", str(out)),
        *(part for value in (*SMALL, *settings) for part in ("--set", value)),
    ]


def environment() -> dict[str, str]:
    """One thread a process, so that many are no slower than few."""
    return os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "300"}


@dataclass(frozen=True, slots=True)
class Done:
    """How a verb has ended."""

    returncode: int
    stdout: str
    stderr: str


def gta(*arguments: str | Path, stdout: Path | None = None) -> Done:
    """Runs a verb to its end, in a process that has imported already what it needs.

    Args:
        arguments: Of the verb.
        stdout: A file that gets what is printed, such as one on a full disk; it is not read.

    Raises:
        TimeoutError: It does not end.
    """
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory(prefix="gta-output-") as name:
        out, err = stdout or Path(name) / "out", Path(name) / "err"
        code = copies.run(words, out, err, environment(), LIMIT)
        if code is None:
            raise TimeoutError(" ".join(words))
        printed = "" if stdout else out.read_text(errors="replace")  # a device has no end
        return Done(code, printed, err.read_text(errors="replace"))


def begin(arguments: list[str], *launcher: str) -> subprocess.Popen[str]:
    """Starts `gta` in a session of its own, by a launcher such as torchrun if one is given."""
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "gta", *arguments],
        env=environment(),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(what: Callable[[], object], process: subprocess.Popen | None = None) -> float:
    """Seconds until something is true.

    Raises:
        TimeoutError: It does not become so.
        ChildProcessError: The process has ended before.
    """
    began = time.monotonic()
    while not what():
        if process is not None and process.poll() is not None:
            raise ChildProcessError(f"it ended with {process.returncode}: {process.communicate()}")
        if time.monotonic() - began > LIMIT:
            raise TimeoutError
        time.sleep(0.02)
    return time.monotonic() - began


def processes_of(pid: int) -> dict[int, str]:
    """What a process has started, and what those have, with their arguments (Linux)."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    found, left = dict[int, str](), [pid]
    while left:
        parent = left.pop()
        for row in rows:
            if int(row[1]) == parent and len(row) == 3:
                found[int(row[0])] = row[2]
                left.append(int(row[0]))
    return found


def newest(out: Path) -> str:
    """The name of a run's newest checkpoint."""
    return max((path.name for path in (out / "checkpoints").glob("[0-9]*")), default="")
