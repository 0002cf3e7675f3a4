"""The processes that train together: one, or those that `torchrun` started."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import torch
import torch.distributed as dist

from gta.errors import UsageError


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all."""

    device: torch.device
    rank: int = 0
    world_size: int = 1

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

    def agree(self, flag: bool) -> bool:
        """What the main process says."""
        if self.world_size == 1:
            return flag
        said = [flag]
        dist.broadcast_object_list(said, src=0)
        return said[0]


def find_device(name: str) -> torch.device:
    """The device of a name; "auto" is the first GPU, or the CPU where there is none.

    Raises:
        UsageError: There is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise RuntimeError("it holds shapes without numbers")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0].split(". ")[0]
        if name.startswith("cuda") and not torch.cuda.is_available():
            reason = "torch finds no GPU"
        raise UsageError(
            f"device {name!r} cannot be used here ({reason}); use auto, cpu, cuda or cuda:1"
        ) from error
    return device


@contextmanager
def joined_processes(device: str = "auto") -> Iterator[Processes]:
    """Joins the group that `torchrun` describes in the environment; alone without `torchrun`.

    Each process takes the GPU of its local rank; on the CPU they talk over gloo.
    """
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
    dist.init_process_group("nccl" if here.type == "cuda" else "gloo")
    try:
        yield Processes(here, dist.get_rank(), dist.get_world_size())
    finally:
        gc.collect()  # DistributedDataParallel refers to itself, and to the group
        dist.destroy_process_group()
