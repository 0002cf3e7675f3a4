"""Loader processes that are killed or stop: the run goes on, or ends and says why."""

import json
import os
import random
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.reliability.commands import (
    LIMIT,
    begin,
    newest,
    processes_of,
    small_set,
    training,
    wait_for,
)
from benchmarks.reliability.line import Line

OFTEN = "train.checkpoint_minutes=1e-9"


def loaders(pid: int) -> list[int]:
    """The loader processes of a training: what its fork server has started."""
    servers = [p for p, words in processes_of(pid).items() if "forkserver" in words]
    return sorted({each for server in servers for each in processes_of(server)} - set(servers[:1]))


def killed(count: int, folder: Path, root: Path) -> tuple[int, int, str]:
    """Kills loader processes of a training.

    Returns:
        Kills, videos that were set aside with their names, and how the training ended.
    """
    rng, done, out = random.Random(0), 0, folder / "killed"
    arguments = training(root, out, f"train.epochs={4 * count}", "data.workers=2", OFTEN)
    process = begin(arguments)
    wait_for(lambda: newest(out) and len(loaders(process.pid)) >= 2, process)
    while done < count and process.poll() is None:
        there = loaders(process.pid)
        if len(there) >= 2:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(there), rng.choice([signal.SIGKILL, signal.SIGSEGV]))
                done += 1
        # one an epoch: many in a row are taken for a machine that is broken, and end the run
        epoch = newest(out).partition("-")[0]
        with suppress(ChildProcessError):
            wait_for(lambda epoch=epoch: newest(out).partition("-")[0] > epoch, process)
        time.sleep(rng.random())
    _, error = process.communicate(timeout=LIMIT)
    state = json.loads((out / "checkpoints" / newest(out) / "state.json").read_text())
    named = state["position"]["set_aside"]
    assert all("was killed by SIG" in reason for reason in named.values()), named
    return done, len(named), f"exit code {process.returncode}{error[-300:] * process.returncode}"


def stopped(folder: Path, root: Path) -> tuple[float, float, str]:
    """Stops a loader process of a training (SIGSTOP): seconds until it is named, and the end."""
    out = folder / "stopped"
    process = begin(training(root, out, "train.epochs=500", "data.workers=1", OFTEN))
    wait_for(lambda: newest(out) and loaders(process.pid), process)
    at, chosen = time.monotonic(), loaders(process.pid)
    for pid in chosen:
        os.kill(pid, signal.SIGSTOP)
    assert process.stderr is not None
    said = process.stderr.readline()
    named = time.monotonic() - at
    _, rest = process.communicate(timeout=LIMIT)
    ended, last = time.monotonic() - at, (rest.strip().splitlines() or [""])[-1]
    right = re.search(r"loader process 0 \(pid \d+\).* has done nothing for", said)
    fault = "" if right and "goes on from the last checkpoint" in last else f"it says {said + last}"
    return named, ended, fault or ("" if process.returncode == 1 else str(process.returncode))


def lines(count: int = 20) -> Iterator[Line]:
    """Line 24; that the order stays is held by tests/data/test_workers.py too."""
    with tempfile.TemporaryDirectory(prefix="gta-workers-") as name:
        folder = Path(name)
        root = small_set(folder / "data")
        done, named, end = killed(count, folder, root)
        yield Line(
            24,
            f"SIGKILL and SIGSEGV to {count} loader processes of one training",
            f"{done} killed; {named} of them at a video, which is named and set aside; {end}",
            "all, exit code 0",
            done == count and end == "exit code 0",
        )
        seconds, ended, fault = stopped(folder, root)
        yield Line(
            24,
            "a loader process that is stopped",
            fault or f"named after {seconds:.0f} s, the run ended after {ended:.0f} s",
            "30 s, 60 s",
            not fault and seconds <= 30 and ended <= 60,
            timed=True,
        )
