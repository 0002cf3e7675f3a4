"""Real processes in tests: which there are, and what of shared memory they hold."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

TIMEOUT = 120
"""Seconds that something may take on a busy machine; a hang is a failure."""


def descendants(pid: int) -> dict[int, str]:
    """A process and all that it has started, with their arguments; none that has ended."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    rows = [row for row in rows if not row[2].startswith("Z")]
    found = {int(row[0]): row[-1] for row in rows if int(row[0]) == pid}
    for number, parent, _, arguments in (row for row in rows if len(row) == 4):
        if int(parent) == pid:
            found |= descendants(int(number)) or {int(number): arguments}
    return found


def alive(pids: dict[int, str]) -> dict[int, str]:
    """Those that still run."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in listed.stdout.splitlines())
    running = {int(pid) for pid, stat in rows if not stat.startswith("Z")}
    return {pid: arguments for pid, arguments in pids.items() if pid in running}


def shared_names(pids: dict[int, str]) -> list[Path]:
    """Files of /dev/shm that processes have open under a name; none on other systems."""
    names = set[str]()
    for pid in pids:
        maps = Path(f"/proc/{pid}/maps")
        if maps.exists():
            lines = maps.read_text().splitlines()
            names |= {line.split()[5] for line in lines if "/dev/shm/" in line}
    return [Path(name) for name in names if Path(name).exists()]


def wait_for(what: Callable[[], object], process: subprocess.Popen | None = None) -> None:
    """Waits until something is true; a process that ends before is a failure."""
    deadline = time.monotonic() + TIMEOUT
    while not what():
        assert process is None or process.poll() is None, "the process ended before"
        assert time.monotonic() < deadline
        time.sleep(0.05)
