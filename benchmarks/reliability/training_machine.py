"""Memory that is full, and two trainings in one folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.commands import (
    LIMIT,
    begin,
    environment,
    gta,
    newest,
    small_set,
    training,
    wait_for,
)
from benchmarks.reliability.line import Line

LIMITED = (
    "import resource, sys; from gta.__main__ import main; import torch\n"
    "resource.setrlimit(resource.RLIMIT_DATA, (2 * 10**9, 2 * 10**9)); main()"
)


def without_memory(root: Path, out: Path) -> tuple[int, str]:
    """Exit code and message of a training that needs more than 2 GB."""
    large = ("clip.size=224", "clip.resize=null", "clip.num_frames=8", "train.batch_size=44")
    arguments = [*training(root, out, *large), "--set", "model.width=64", "--set", "data.workers=0"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


def second_run(root: Path, out: Path) -> list[str]:
    """What is wrong about a second training in a folder, also where its lock is deleted."""
    arguments, faults = training(root, out, "train.epochs=500", "data.workers=0"), list[str]()
    first = begin(arguments)
    wait_for(lambda: newest(out), first)
    for removed in ((), (".lock",), (".lock", ".holder.json")):
        for name in removed:
            (out / name).unlink(missing_ok=True)
        done = gta(*arguments)
        named = f"by another process ({first.pid} on " in done.stderr
        if done.returncode != 2 or not (named or ".holder.json" in removed):
            faults.append(f"{removed} removed: {done.returncode} {done.stderr[-200:]}")
    if first.poll() is not None:
        faults.append("the first has ended")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=LIMIT)
    return faults


def another_clock(root: Path, out: Path) -> str:
    """What is wrong where a clock went back: older checkpoints have later times."""
    arguments = training(root, out, "train.epochs=3", "train.keep_checkpoints=3")
    whole = gta(*arguments)
    assert whole.returncode == 0, whole
    for number, path in enumerate(sorted((out / "checkpoints").iterdir(), reverse=True)):
        os.utime(path, (4e9 * number, 4e9 * number))
    shutil.rmtree(out / "checkpoints" / newest(out))
    for name in ("metrics.csv", "last.safetensors"):
        os.utime(out / name, (4e9, 4e9))
    done = gta(*arguments)
    return "" if "going on after epoch 2, batch 0" in done.stdout else done.stdout + done.stderr


def lines() -> Iterator[Line]:
    """Lines 26 and 29."""
    with tempfile.TemporaryDirectory(prefix="gta-machine-") as name:
        folder = Path(name)
        root = small_set(folder / "data")
        if sys.platform == "linux":
            code, told = without_memory(root, folder / "memory")
            numbers = re.search(r"the memory is full.* with 44 clips of 8 frames of 224", told)
            yield Line(
                26,
                "a step that needs more memory than there is",
                f"exit code {code}: {told}",
                "exit code 1, advice with numbers",
                code == 1 and numbers is not None and "train.accumulate=2" in told,
            )
        faults = second_run(root, folder / "two")
        yield Line(
            29,
            "a second training in one folder; also with its lock deleted",
            "; ".join(faults) or "refused, exit code 2; the process that has it is named",
            "refused, nothing is overwritten",
            not faults,
        )
        fault = another_clock(root, folder / "clock")
        yield Line(
            29,
            "a clock that went back between checkpoints",
            fault or "the newest one by its place in the training is used",
            "goes on from the newest",
            not fault,
        )
