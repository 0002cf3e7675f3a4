"""Which process is at which shard: a file each, whose time of change is a sign of life.

Several processes, on one host or many, share work through a folder and nothing else. A lease is
made by one of them alone (O_EXCL). It saves work, no more: two processes at one shard write the
same file. So a lease may be taken over when its holder is gone, or has given no sign of life for a
while; clocks of hosts are not compared, a file is watched.
"""

import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from gta.locks import kernel_here

BEAT = 5.0
"""Seconds between two signs of life."""
PATIENCE = 60.0
"""Seconds without one after which the shard of a process on another host is taken over."""


class Leases:
    """The leases of this process.

    Args:
        folder: Of the leases of all processes.
        stuck: Seconds without `progress` after which this process gives no sign of life any more:
            others do its work.
        beat: Seconds between two signs of life.
        patience: Seconds without a sign of life that others are given.
    """

    def __init__(
        self, folder: Path, *, stuck: float, beat: float = BEAT, patience: float = PATIENCE
    ):
        self.folder, self.stuck, self.beat, self.patience = folder, stuck, beat, patience
        self._owner = json.dumps(this_process() | {"token": os.urandom(8).hex()})
        self._held = set[str]()
        self._seen = dict[str, tuple[object, float]]()
        self._progressed = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._beat, daemon=True, name="gta-leases").start()

    def take(self, name: str) -> bool:
        """Takes the lease of a shard, if no living process has it."""
        path = self.folder / name
        if self._make(path):
            self._held.add(name)
            return True
        if not self._is_abandoned(path):
            return False
        aside = self.folder / f".{name}.{os.urandom(4).hex()}"
        try:
            path.rename(aside)  # one of those who want it succeeds
        except FileNotFoundError:
            return False
        aside.unlink(missing_ok=True)
        if self._make(path):
            self._held.add(name)
            return True
        return False

    def release(self, name: str) -> None:
        """Gives a lease back, unless another process has taken it over."""
        self._held.discard(name)
        path = self.folder / name
        with suppress(OSError):
            if path.read_text(encoding="utf-8") == self._owner:
                path.unlink()

    def progress(self) -> None:
        """Called whenever work has got on."""
        self._progressed = time.monotonic()

    def close(self) -> None:
        """Gives all leases back."""
        self._over.set()
        for name in list(self._held):
            self.release(name)

    def _make(self, path: Path) -> bool:
        try:
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        try:
            os.write(number, self._owner.encode())
        finally:
            os.close(number)
        return True

    def _is_abandoned(self, path: Path) -> bool:
        """Whether the holder of a lease has ended, or has been silent for too long."""
        try:
            text, sign = path.read_text(encoding="utf-8"), path.stat().st_mtime_ns
        except FileNotFoundError:
            return False  # given back just now: the next attempt gets it
        with suppress(ValueError, KeyError, TypeError):
            if _has_ended(json.loads(text)):
                return True
        seen, since = self._seen.get(path.name, (None, 0.0))
        if seen != (text, sign):
            self._seen[path.name] = (text, sign), time.monotonic()
            return False
        return time.monotonic() - since > self.patience

    def _beat(self) -> None:
        while not self._over.wait(self.beat):
            if time.monotonic() - self._progressed > self.stuck:
                continue
            for name in list(self._held):
                with suppress(OSError):  # taken over, or the disk is away for a moment
                    os.utime(self.folder / name)


def this_process() -> dict[str, object]:
    """Which process this is, in words that another process on the same host can check."""
    return {
        "host": socket.gethostname(),
        "kernel": kernel_here(),
        "pid": os.getpid(),
        "began": began(os.getpid()),
    }


def _has_ended(owner: dict[str, object]) -> bool:
    """Whether a process is known to be gone; of another host nothing is known."""
    if owner["kernel"] != kernel_here() or not owner["kernel"]:
        return False
    return began(int(str(owner["pid"]))) != owner["began"]


def began(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None: it is gone, or dead and not buried."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else fields[18]
