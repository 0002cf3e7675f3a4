"""Signals that ask for the end: the step is finished and kept, and the exit code tells which."""

import signal
import tempfile
import time
from collections.abc import Iterator
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

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def stopped(number: signal.Signals, root: Path, out: Path) -> tuple[str | None, float]:
    """What is wrong about how a training ends with a signal (None: nothing), and how long it took.

    Only the signal makes it save: its own time for that does not come.
    """
    process = begin(
        training(root, out, "train.epochs=500", "train.checkpoint_minutes=1000", "data.workers=2")
    )
    wait_for(lambda: (out / "metrics.csv").is_file(), process)
    time.sleep(0.2)
    before, began, at = newest(out), processes_of(process.pid), time.monotonic()
    process.send_signal(number)
    told, error = process.communicate(timeout=LIMIT)
    seconds = time.monotonic() - at
    name = "Ctrl-C" if number == signal.SIGINT else number.name
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in began))
    for wrong, what in (
        (process.returncode != 128 + number, f"exit code {process.returncode}"),
        (newest(out) <= before, "nothing was kept"),
        (f"stopped by {name}; the same command goes on" not in error, f"it says {error[-200:]!r}"),
        (f"kept in {out / 'checkpoints'}: " not in told, f"it says {told[-200:]!r}"),
        ("Traceback" in error, "a traceback"),
    ):
        if wrong:
            return what, seconds
    return None, seconds


def lines() -> Iterator[Line]:
    """Line 4; that a second Ctrl-C ends at once is held by tests/cli/test_signals.py."""
    with tempfile.TemporaryDirectory(prefix="gta-signals-") as name:
        folder = Path(name)
        root = small_set(folder / "data")
        for number in SIGNALS:
            fault, seconds = stopped(number, root, folder / number.name)
            yield Line(
                4,
                f"{number.name} to a training",
                fault or f"exit code {128 + number}, kept and ended after {seconds:.1f} s",
                "128 + its number, kept, 10 s and a step, no process left",
                not fault and seconds < 10,
                timed=True,
            )
