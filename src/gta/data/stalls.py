"""Loader processes that neither finish what they are at nor compute."""

import os
import subprocess
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from gta.errors import Notice

NAMED = 20.0
"""Seconds without a sign of life after which a process is named."""
ENDED = 45.0
"""Seconds after which it is killed."""
_LOOK_EVERY = 1.0
_TRUSTED = 2.0
"""Seconds for which nobody asks what a process has computed."""


class StallWatch:
    """A thread that looks after loader processes while their batches are taken.

    A process is stalled that does not get on with its work, and whose processor time stands still
    too: it was stopped, it waits for a lock for ever, or its disk does not answer. A slow process
    is left alone.

    Args:
        pids: Of the processes.
        busy_since: For each the second since when it has been at what it is at; None: it waits for
            work.
        describe: What a process is at, in words.
        stalled: Called once with the number of the process and for how many seconds it has been
            stalled, when that is too much.
    """

    def __init__(
        self,
        pids: list[int],
        busy_since: Callable[[], list[float | None]],
        describe: Callable[[int], str],
        stalled: Callable[[int, float], None],
    ):
        self.pids, self.busy_since = pids, busy_since
        self.describe, self.stalled = describe, stalled
        self._computed = [(0.0, time.monotonic())] * len(pids)
        self._named = set[tuple[int, float]]()
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="gta-stalls").start()

    def close(self) -> None:
        """Ends the thread."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            for number, since in enumerate(self.busy_since()):
                if since is not None and self._look(number, since):
                    return

    def _look(self, number: int, since: float) -> bool:
        """Whether a process is to be given up."""
        now = time.monotonic()
        if now - since < _TRUSTED:
            return False
        computed = seconds_computed(self.pids[number])
        if computed is None:  # it has ended, which its loader finds out
            return False
        if computed != self._computed[number][0]:
            self._computed[number] = computed, now
        seconds = now - max(since, self._computed[number][1])
        if seconds > NAMED and (number, since) not in self._named:
            self._named.add((number, since))
            warnings.warn(
                f"{self.describe(number)} has done nothing for {seconds:.0f} s",
                Notice,
                stacklevel=1,
            )
        if seconds > ENDED and not self._over.is_set():
            self.stalled(number, seconds)
            return True
        return False


def seconds_computed(pid: int) -> float | None:
    """Processor time that a process has used; None: there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except (OSError, ValueError, IndexError):
        return None
    try:  # macOS
        listed = subprocess.run(
            ["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True
        )
    except OSError:
        return None
    seconds = 0.0
    for part in listed.stdout.strip().replace("-", ":").split(":"):
        try:
            seconds = 60 * seconds + float(part)
        except ValueError:
            return None
    return seconds
