#!/usr/bin/env bash
# torch: DataLoader's workers outlive a training that was killed, if they come from the fork server.
# Linux only. All processes that this starts are ended by it; it takes less than a minute once torch
# is installed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6

cat >training.py <<'PY'
import sys
import time

import torch
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        return torch.zeros(4)


if __name__ == "__main__":
    batches = iter(DataLoader(Numbers(), 2, num_workers=2, multiprocessing_context=sys.argv[1]))
    next(batches)
    print(*(worker.pid for worker in batches._workers), flush=True)
    time.sleep(120)
PY

venv/bin/python - <<'PY'
import os
import platform
import signal
import subprocess
import sys
import time

import torch

print(f"torch {torch.__version__}, Python {platform.python_version()} on {platform.system()}")
print("A process with a DataLoader of two workers gets SIGKILL, as from the kernel when memory is")
print("short or from a job scheduler. torch's workers look every 5 seconds whether it is there.")
print()
WAIT = 12  # seconds


def status(process):
    """(state, parent's number) of a process, or None."""
    try:
        with open(f"/proc/{process}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (fields[0], int(fields[1]))


left = {}
for method in ("fork", "forkserver"):
    training = subprocess.Popen(
        [sys.executable, "training.py", method], stdout=subprocess.PIPE, text=True
    )
    started = set()
    try:
        workers = [int(number) for number in training.stdout.readline().split()]
        started.update(workers)
        started.update(found[1] for found in map(status, workers) if found)  # the fork server
        training.kill()
        training.wait()
        end = time.monotonic() + WAIT
        while any(map(status, workers)) and time.monotonic() < end:
            time.sleep(0.2)
        left[method] = sum(status(worker) is not None for worker in workers)
        taken = WAIT - max(end - time.monotonic(), 0)
        print(f"{method:11} {left[method]} of {len(workers)} workers left after {taken:.0f} s")
    finally:
        training.kill()
        training.wait()
        for process in started - {training.pid}:
            if status(process):
                os.kill(process, signal.SIGKILL)

print()
print("Expected: the workers end within a few seconds, whichever way they were started.")
if left == {"fork": 0, "forkserver": 2}:
    print("Seen:     from the fork server none ends: a worker watches its own parent, which is the")
    print("          server, and that is still there.")
    sys.exit(0)
print("This has changed: no worker outlives the training, or all do.")
sys.exit(1)
PY
