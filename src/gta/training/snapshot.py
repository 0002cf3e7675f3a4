"""A copy of tensors at one moment, made during training."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Snapshots:
    """Copies of a training's state in the memory of the CPU.

    The copies of a GPU's tensors are ordered on its stream: work issued after `take`, such as the
    next replay of a captured step, begins when they are done, and Python does not wait for them.
    The memory is allocated once and reused, so a copy must be written before the next is taken.
    """

    def __init__(self):
        self._memory: dict[tuple[str, ...], Tensor] = {}

    def take(self, state: Mapping[str, Any]) -> "Snapshot":
        """A copy of all tensors in nested dictionaries and lists; other values are kept."""
        devices = set[torch.device]()
        copied = self._copy(state, (), devices)
        events = []
        for device in devices:
            with torch.cuda.device(device):
                events.append(torch.cuda.Event())
                events[-1].record()
        return Snapshot(copied, events)

    def _copy(self, value: Any, place: tuple[str, ...], devices: set[torch.device]) -> Any:
        if isinstance(value, Tensor):
            return self._copy_tensor(value.detach(), place, devices)
        if isinstance(value, Mapping):
            return {
                key: self._copy(part, (*place, str(key)), devices) for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._copy(part, (*place, str(n)), devices) for n, part in enumerate(value)]
        return value

    def _copy_tensor(
        self, tensor: Tensor, place: tuple[str, ...], devices: set[torch.device]
    ) -> Tensor:
        on_gpu = tensor.device.type == "cuda"
        if on_gpu:
            devices.add(tensor.device)
        kept = self._memory.get(place)
        if kept is None or kept.shape != tensor.shape or kept.dtype != tensor.dtype:
            kept = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=on_gpu)
            self._memory[place] = kept
        return kept.copy_(tensor, non_blocking=on_gpu)


class Snapshot:
    """The copy of `Snapshots.take`, complete once the GPU has finished it."""

    def __init__(self, state: Mapping[str, Any], events: list[torch.cuda.Event]):
        self._state, self._events = state, events

    def wait(self) -> Mapping[str, Any]:
        """Waits for the copy and returns it. May be called on another thread."""
        for event in self._events:
            event.synchronize()
        return self._state
