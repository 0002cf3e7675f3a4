"""The number of usable cores and processes."""

import os


def available_cores() -> int:
    """Cores that this process may use, which may be fewer than the machine has; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processes_here(world_size: int) -> int:
    """Training processes on this machine, of `world_size` in all; from `torchrun`."""
    local = os.environ.get("LOCAL_WORLD_SIZE", "")
    return min(world_size, int(local)) if local.isdecimal() and int(local) else world_size
