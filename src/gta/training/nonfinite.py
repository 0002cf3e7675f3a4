"""Counts consecutive steps without a finite loss and gradient."""

import torch
from torch import Tensor


class Nonfinite:
    """The number of such steps in a row.

    It is counted on the device and read only by `look`, so that steps do not wait for the GPU.

    Args:
        device: The device of the steps.
        limit: So many in a row are too many.
    """

    def __init__(self, device: torch.device, limit: int):
        self.limit, self.count, self.too_many = limit, 0, False
        self._row = torch.zeros((), dtype=torch.int64, device=device)
        self._most = self._row.clone()

    def note(self, left_out: Tensor) -> None:
        """Counts a step; the number () is above 0 if the step changed nothing."""
        self._row = torch.where(left_out > 0, self._row + 1, 0)
        self._most = torch.maximum(self._most, self._row)
        if self._row.device.type == "cpu":
            self.look()

    def look(self) -> None:
        """Updates `count` and `too_many` from the device."""
        self.count, most = torch.stack([self._row, self._most]).tolist()
        self.too_many = most >= self.limit
