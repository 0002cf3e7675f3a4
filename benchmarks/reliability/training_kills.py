"""SIGKILL at random moments: every checkpoint is whole, and the end is that of a calm run."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.line import Line
from gta.ordered import render_dataset
from gta.training.checkpoint_folder import CheckpointFolder, DamagedError, verify

SETTINGS = (
    *("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16"),
    *("model.dropout=0.3", "train.batch_size=8", "train.warmup_epochs=1", "data.cache_gb=0"),
)


def command(root: Path, out: Path, *settings: str) -> list[str]:
    values = [*SETTINGS, *settings]
    return [
        *(sys.executable, "-m", "gta", "train", "--model", "tiny_gta", "--data", "ordered"),
        *("--root", str(root), "--out", str(out), "--device", "cpu"),
        *(part for value in values for part in ("--set", value)),
    ]


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        arguments,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kills(count: int, folder: Path, *, epochs: int, seed: int = 0) -> tuple[int, int, float, bool]:
    """Kills a training so many times, each time a random while after it has gone on.

    Returns:
        Kills, checkpoints that were not whole after one, the most seconds of work lost at one, and
        whether the weights at the end are those of a run that was not disturbed.
    """
    root = folder / "data"
    render_dataset(root, num_train=44, num_val=22, num_frames=8, height=32, width=32, workers=1)
    whole, killed = folder / "whole", folder / "killed"
    length = (f"train.epochs={epochs}",)
    calm = start(command(root, whole, *length, "data.workers=1"))
    assert calm.wait() == 0
    rng, done, broken, lost = random.Random(seed), 0, 0, 0.0
    checkpoints = CheckpointFolder(killed / "checkpoints", keep=1)
    while done < count:
        often = f"train.checkpoint_minutes={rng.choice([1e-9, 0.02])}"
        process = start(command(root, killed, *length, often, f"data.workers={rng.choice([0, 2])}"))
        before = next(checkpoints.all(), None)
        while next(checkpoints.all(), None) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.random() * 2)
        if process.poll() is not None:  # it came to its end first
            break
        os.killpg(process.pid, signal.SIGKILL)
        moment, done = time.time(), done + 1
        process.wait()
        found = list(checkpoints.all())
        for path in found:
            try:
                verify(path)
            except DamagedError:
                broken += 1
        lost = max(lost, moment - found[0].stat().st_mtime)
    end = start(command(root, killed, *length, "data.workers=1"))
    assert end.wait() == 0
    names = ("last.safetensors", "best.safetensors")
    same = all((killed / name).read_bytes() == (whole / name).read_bytes() for name in names)
    return done, broken, lost, same


def lines(count: int = 50) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        done, broken, lost, same = kills(count, Path(folder), epochs=max(4, 2 * count))
    yield Line(
        1,
        f"SIGKILL at {count} random moments, with other numbers of loader processes",
        f"{done} kills, {broken} checkpoints broken, weights at the end "
        f"{'bit-equal' if same else 'other'}, at most {lost:.1f} s since the last checkpoint",
        "all kills, 0, bit-equal, 30 s",
        done == count and not broken and same and lost <= 30,
        timed=True,
    )
