"""The state of the current epoch, in a line beside its bar."""

import time

import torch

from gta.training.processes import Processes
from gta.training.waiting import Waiting

BOTTLENECK = 0.2
"""Share of time spent waiting for videos above which they are the bottleneck."""


class Pace:
    """Measures from its creation on: an epoch, or the rest of a resumed epoch.

    Args:
        processes: This process among all that train; the clips of all are counted.
        waiting: The steps' waiting for videos.
        clips: Clips of the epoch that were done before.
    """

    def __init__(self, processes: Processes, waiting: Waiting, clips: float = 0.0):
        self.processes, self.waiting, self.clips = processes, waiting, clips
        self.began = time.monotonic()

    def note(self, totals: torch.Tensor, lr: float) -> str:
        """Loss, accuracy, learning rate, clips a second, memory and bottleneck.

        Reading the totals synchronizes the GPU with the CPU.

        Args:
            totals: Of the epoch: sum of losses, correct clips, clips, skipped steps.
            lr: Learning rate of the last step.
        """
        loss, correct, clips, _ = totals.tolist()
        seconds = max(time.monotonic() - self.began, 1e-9)
        speed = (clips - self.clips) * self.processes.world_size / seconds
        parts = [
            f"loss {loss / max(clips, 1):.3f}",
            f"train {correct / max(clips, 1):.1%}",
            f"lr {lr:.2g}",
            f"{speed:.3g} clips/s",
            *memory(self.processes.device),
            bottleneck(self.waiting.seconds() / seconds),
        ]
        return "  ".join(parts)


def memory(device: torch.device) -> list[str]:
    """The peak memory of this process on its GPU; nothing on a CPU."""
    if device.type != "cuda":
        return []
    held = torch.cuda.max_memory_reserved(device) / 2**30
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return [f"GPU {held:.1f} of {total:.0f} GiB"]


def bottleneck(waited: float) -> str:
    """Which side waits for the other, by the share of the time spent waiting for videos."""
    which = "videos" if waited > BOTTLENECK else "network"
    return f"bottleneck: {which} ({waited:.0%} waiting)"
