"""A process of several that is killed or stopped: named, all end, and the same command goes on."""

import os
import re
import signal
import tempfile
import threading
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

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
OFTEN = "train.checkpoint_minutes=1e-9"


def ranks(pid: int) -> list[int]:
    """The processes that a torchrun has started, in their order."""
    return sorted(p for p, words in processes_of(pid).items() if " -m gta train" in words)


def end(number: signal.Signals, rank: int, root: Path, out: Path) -> tuple[float, float, str]:
    """Sends a signal to one of two processes.

    Returns:
        Seconds until the process is named (0: it was killed, which torchrun names) and until all
        have ended, and what is wrong.
    """
    process = begin(training(root, out, "train.epochs=500", "data.workers=1", OFTEN), *LAUNCH)
    wait_for(lambda: newest(out) and len(ranks(process.pid)) == 2, process)
    chosen, at, said, named = ranks(process.pid)[rank], time.monotonic(), list[str](), [0.0]
    began = processes_of(process.pid)

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "has not answered for" in line and not named[0]:
                named[0] = time.monotonic() - at

    listener = threading.Thread(target=listen)
    listener.start()
    os.kill(chosen, number)
    assert process.stdout is not None
    process.stdout.read()  # up to its end
    process.wait(timeout=LIMIT)
    listener.join()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in began))
    ended, text = time.monotonic() - at, "".join(said)
    fault = "" if process.returncode else "exit code 0"
    if number == signal.SIGSTOP and not re.search(
        r"gta: (process \d+ \(pid \d+ on|\S+, where the processes meet)", text
    ):
        fault = f"it says {text[-300:]!r}"
    if not fault:
        more = training(root, out, "train.epochs=500", "data.workers=1", OFTEN)
        again = begin(more, *LAUNCH)
        before = newest(out)
        wait_for(lambda: newest(out) > before, again)
        again.send_signal(signal.SIGTERM)
        told, _ = again.communicate(timeout=LIMIT)
        fault = "" if "going on after epoch" in told else f"then it says {told[-300:]!r}"
    return named[0], ended, fault


def lines() -> Iterator[Line]:
    """Line 25; two hosts and a cable: tests/training/test_restarts.py."""
    with tempfile.TemporaryDirectory(prefix="gta-stalls-") as name:
        folder = Path(name)
        root = small_set(folder / "data")
        for number, rank in (
            (signal.SIGKILL, 1),
            (signal.SIGSTOP, 1),
            (signal.SIGSTOP, 0),
        ):
            out = folder / f"{number.name}{rank}"
            named, ended, fault = end(number, rank, root, out)
            told = f"named after {named:.0f} s, " if number == signal.SIGSTOP else ""
            yield Line(
                25,
                f"{number.name} to process {rank} of two",
                fault or f"{told}all ended after {ended:.0f} s; the same command goes on",
                "30 s, 60 s",
                not fault and named <= 30 and ended <= 60,
                timed=True,
            )
