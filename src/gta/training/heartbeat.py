"""Signs of life between the processes that train together.

A process that hangs makes all others wait in their next exchange, for half an hour or forever. So
each process regularly writes a sign of life to the store through which they met; a process without
such signs is named, and the run is ended.
"""

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

from torch.distributed import Store, TCPStore  # pyright: ignore[reportPrivateImportUsage]

from gta.locks import kernel_here

NAMED = 20.0
"""Seconds without a sign of life after which a process is named."""
ENDED = 40.0
"""Seconds after which the run is ended; `torchrun --max-restarts` starts it again."""
_BEAT = 2.0
_LOOK = 0.5
_ASLEEP = 5.0
"""If so many seconds pass between two checks, this process itself was stopped."""
_DONE = "done"


class Heartbeat:
    """Sends signs of life, and checks those of the others, on two threads.

    The store may be served by a process that hangs, so one thread talks to it and the other
    watches the time.

    Args:
        store: The store of the signs, with no other use.
        rank: Number of this process.
        world_size: Number of processes.
    """

    def __init__(self, store: Store, rank: int, world_size: int):
        self.store, self.rank = store, rank
        self.keys = [f"gta/alive/{number}" for number in range(world_size)]
        self._signs = [("", time.monotonic())] * world_size
        self._heard = time.monotonic()
        self._named = set[int]()
        self._over = threading.Event()
        self._count = 0
        self._give_sign()

    def start(self) -> None:
        """Called when all processes have sent their first sign."""
        for work in (self._beat, self._watch):
            threading.Thread(target=work, daemon=True, name="gta-heartbeat").start()

    def close(self) -> None:
        """Tells the others that this process ends normally."""
        self._over.set()
        with suppress(RuntimeError):  # the store may be gone
            self.store.set(self.keys[self.rank], _DONE)

    def _give_sign(self) -> None:
        self._count += 1
        self.store.set(self.keys[self.rank], f"{self._count} {os.getpid()} {_machine()}")

    def _beat(self) -> None:
        while not self._over.is_set():
            with suppress(RuntimeError):
                self._give_sign()
                signs = [value.decode() for value in self.store.multi_get(self.keys)]
                now = time.monotonic()
                self._signs = [
                    (sign, since if sign == before else now)
                    for sign, (before, since) in zip(signs, self._signs, strict=True)
                ]
                self._heard = now
            self._over.wait(_BEAT)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._over.wait(_LOOK):
            now = time.monotonic()
            if now - looked > _ASLEEP:  # this process was stopped
                self._heard = now
                self._signs = [(sign, now) for sign, _ in self._signs]
            looked = now
            self._look(now)

    def _look(self, now: float) -> None:
        if now - self._heard > NAMED:
            self._report(-1, _no_store(), now - self._heard)
            return
        for rank, (sign, since) in enumerate(self._signs):
            if sign != _DONE and now - since > NAMED:
                self._report(rank, _described(rank, sign), now - since)

    def _report(self, rank: int, who: str, seconds: float) -> None:
        """Reports a silent process, or the store (-1); one of the live processes prints it."""
        silent = {*self._named, rank}
        tells = self.rank == min(n for n in range(len(self.keys)) if n not in silent)
        if rank not in self._named:
            self._named.add(rank)
            if tells or rank == -1:
                _write(f"{who} has not answered for {seconds:.0f} s; the others wait for it")
        elif seconds > ENDED and not self._over.is_set():
            if tells or rank == -1:
                _write(
                    f"{who} has not answered for {seconds:.0f} s: the run is ended. The same "
                    f"command goes on from the last checkpoint"
                )
            if rank >= 0:
                _kill_if_here(self._signs[rank][0])
            os._exit(1)


def connect(timeout: float = 10) -> Store:
    """A connection of its own to the store that the environment describes."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(
        address,
        port,
        is_master=False,
        wait_for_workers=False,
        timeout=timedelta(seconds=timeout),
    )


def _described(rank: int, sign: str) -> str:
    _, pid, machine = sign.split(" ", 2)
    return f"process {rank} (pid {pid} on {machine.split(' ')[0]})"


def _no_store() -> str:
    place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
    return f"{place}, where the processes meet (the first host or process)"


def _machine() -> str:
    """This host, with an identity of its process ids."""
    return f"{socket.gethostname()} {kernel_here()}"


def _kill_if_here(sign: str) -> None:
    """Kills a hanging process of this machine: its launcher would give it 30 seconds more."""
    _, pid, machine = sign.split(" ", 2)
    if machine == _machine():
        with suppress(OSError):
            os.kill(int(pid), signal.SIGKILL)


def _write(text: str) -> None:
    with suppress(OSError):
        os.write(2, f"gta: {text}\n".encode(errors="backslashreplace"))
