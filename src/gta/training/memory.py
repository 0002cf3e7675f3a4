"""The message when a training runs out of memory: how much there is, and what needs less."""

import os

import torch

from gta.config import Recipe
from gta.errors import MachineError
from gta.training.processes import Processes

_ON_CPU = ("DefaultCPUAllocator", "not enough memory")
"""torch's messages when the system has no memory left."""


def memory_error(
    error: BaseException, recipe: Recipe, processes: Processes, *, scoring: bool
) -> MachineError | None:
    """Advice with numbers; None: it is another error.

    Args:
        error: Raised by a step, or by scoring.
        recipe: The settings.
        processes: This process among all that train.
        scoring: Whether videos were being scored.
    """
    if isinstance(error, torch.OutOfMemoryError):
        what, total = "the GPU's memory is full", _of_gpu(processes.device)
    elif isinstance(error, MemoryError) or any(words in str(error) for words in _ON_CPU):
        what, total = "the memory is full", _of_machine()
    else:
        return None
    train, clip = recipe.train, recipe.clip
    clips = f"of {clip.num_frames} frames of {clip.size} pixels"
    has = f" ({total / 2**30:.1f} GiB)" if total else ""
    if scoring:
        return MachineError(
            f"{what}{has} while {recipe.test.batch_size} views {clips} were scored at a time. "
            f"--set test.batch_size={max(1, recipe.test.batch_size // 2)} needs about half; the "
            f"same command with it goes on from the last checkpoint"
        )
    share = train.batch_size // processes.world_size
    at_once = -(-share // train.accumulate)
    ways = [f"fewer frames or pixels (now {clip.num_frames} and {clip.size})"]
    if at_once > 1:
        ways.insert(
            0,
            f"--set train.accumulate={2 * train.accumulate} computes {-(-at_once // 2)} clips at a "
            f"time and needs about half",
        )
        ways.append(f"a smaller train.batch_size (now {train.batch_size})")
    return MachineError(
        f"{what}{has} with {at_once} clips {clips} at a time on each process. What needs less: "
        f"{'; '.join(ways)}. A run that has checkpoints keeps its settings: give another --out"
    )


def _of_gpu(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0


def _of_machine() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
