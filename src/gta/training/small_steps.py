"""Short steps of a CPU, as those of a head over the features of a frozen trunk."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from gta.backbones.head_ensemble import heads_in_threads
from gta.blocks.fused.parts import unfused
from gta.cores import available_cores, processes_here
from gta.devices import one_thread
from gta.training.processes import Processes
from gta.training.step import Step


@contextmanager
def small_steps(step: Step, model: nn.Module, processes: Processes) -> Iterator[None]:
    """Makes steps quicker that consist of small operators (`Numbers.small`), and leaves others.

    Operators run on one thread, since they are too small to be divided (a third of the time), and
    the heads of an ensemble side by side instead; blocks call their parts one by one, because fused
    functions have more work of their own than they save.
    """
    if not step.numbers.small:
        yield
        return
    cores = available_cores() // processes_here(processes.world_size)
    with one_thread(True), unfused(), heads_in_threads(model, cores):
        yield
