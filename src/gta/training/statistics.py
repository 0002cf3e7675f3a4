"""Running statistics that a step can restore."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from gta.training import many


class Statistics:
    """The running statistics of a network's normalization layers.

    They change in the forward pass, before it is known whether the gradient is finite. Those of
    layers in evaluation mode, as in a frozen trunk, do not.

    Args:
        model: The model on its device; its buffers must not move afterwards.
    """

    def __init__(self, model: nn.Module):
        layers = [module for module in model.modules() if isinstance(module, _NormBase)]
        self.layers = [(layer, list(layer.buffers())) for layer in layers]
        self.groups: dict[torch.dtype, list[Tensor]] = {}
        self.kept: list[Tensor] = []

    def keep(self) -> None:
        """Saves their current values."""
        changing = {id(b): b for layer, buffers in self.layers if layer.training for b in buffers}
        self.groups = {}
        for buffer in changing.values():
            self.groups.setdefault(buffer.dtype, []).append(buffer)
        self.kept = [_joined(group) for group in self.groups.values()]

    @torch.no_grad()
    def put_back(self, where: Tensor) -> None:
        """Restores the saved values if `where`, bool (), is true, without synchronizing."""
        for kept, group in zip(self.kept, self.groups.values(), strict=True):
            chosen = torch.where(where, kept, _joined(group)).split([b.numel() for b in group])
            views = [part.view_as(b) for part, b in zip(chosen, group, strict=True)]
            many.copy(group, views)


def _joined(group: list[Tensor]) -> Tensor:
    return torch.cat([buffer.detach().reshape(-1) for buffer in group])
