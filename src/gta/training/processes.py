"""The processes that train together: one, or those of `torchrun`."""

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore  # pyright: ignore[reportPrivateImportUsage]

from gta.devices import find_device
from gta.errors import UsageError
from gta.training.heartbeat import Heartbeat, connect
from gta.training.meeting import meet

T = TypeVar("T")

_PATIENCE = 30
"""Seconds that a process has to end after its launcher is gone."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all that train."""

    device: torch.device
    rank: int = 0
    world_size: int = 1
    control: dist.ProcessGroup | None = None
    """A second group, for messages between processes without waiting for GPUs."""

    @property
    def is_main(self) -> bool:
        """Whether this process prints and writes files."""
        return self.rank == 0

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values

    def gather(self, value: object) -> list:
        """The values of all processes, in the order of ranks."""
        if self.world_size == 1:
            return [value]
        values: list = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def from_main(self, make: Callable[[], T]) -> T:
        """The value of `make` in the main process, with tensors on the CPU; others do not call it.

        Raises:
            UsageError: `make` raised it in the main process.
        """
        if self.world_size == 1:
            return make()
        message: list[T | UsageError | None] = [None]
        if self.is_main:
            try:
                message = [make()]
            except UsageError as error:
                message = [error]
        dist.broadcast_object_list(message, src=0, group=self.control, device=torch.device("cpu"))
        if isinstance(message[0], UsageError):
            raise message[0]
        return cast(T, message[0])


class Agreement:
    """The requests of several processes, known to all of them after the same step.

    Each step sends a number for each request, and receives the largest numbers of the step before:
    they are exchanged while the step is computed.
    """

    def __init__(self, processes: Processes, wishes: int = 1):
        self.processes, self.nothing = processes, (0,) * wishes
        self._said: tuple[torch.Tensor, dist.Work | None] | None = None

    def __call__(self, *wanted: int) -> tuple[int, ...]:
        """Sends this process's requests; returns the largest of all from the last call."""
        if self.processes.world_size == 1:
            return wanted
        heard = self.last()
        said = torch.tensor(wanted)
        maximum, group = dist.ReduceOp.MAX, self.processes.control
        self._said = said, dist.all_reduce(said, maximum, group=group, async_op=True)
        return heard

    def last(self) -> tuple[int, ...]:
        """The largest of the last requests of all; 0 if there are none, or they were received."""
        if self._said is None:
            return self.nothing
        (said, work), self._said = self._said, None
        if work is not None:
            work.wait()
        return tuple(said.tolist())


@contextmanager
def joined_processes(device: str = "auto") -> Iterator[Processes]:
    """Joins the group that `torchrun` describes in the environment; alone without `torchrun`.

    Each process takes the GPU of its local rank; on the CPU, gloo is used.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        threading.Thread(target=_end_with_launcher, daemon=True).start()
    if "WORLD_SIZE" not in os.environ or os.environ["WORLD_SIZE"] == "1":
        yield Processes(find_device(device))
        return
    here = find_device(device)
    if here.type == "cuda":
        here = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(here)
    # Imported later, by DistributedDataParallel, its functions would have this group as a default
    # and keep it, with threads that can abort the process when Python ends.
    import_module("torch.distributed.nn")
    store, place = meet()
    dist.init_process_group(
        "nccl" if here.type == "cuda" else "gloo",
        store=store,
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    del store  # the group holds it
    heartbeat = Heartbeat(PrefixStore(place, connect()), dist.get_rank(), dist.get_world_size())
    try:
        control = cast(dist.ProcessGroup, dist.new_group(backend="gloo"))  # all are members
        dist.barrier(control)
        heartbeat.start()
        yield Processes(here, dist.get_rank(), dist.get_world_size(), control)
    finally:
        heartbeat.close()
        gc.collect()  # DistributedDataParallel refers to itself, and to the group
        dist.destroy_process_group()


def _end_with_launcher() -> None:
    """In a thread: ends this process if `torchrun` was killed and cannot do so."""
    launcher = os.getppid()
    while os.getppid() == launcher:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)  # a checkpoint is saved
    time.sleep(_PATIENCE)
    os._exit(128 + signal.SIGTERM)
