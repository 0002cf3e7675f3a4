"""Steps without a finite loss and gradient, one after the other."""

import torch
from torch import Tensor


class Nonfinite:
    """How many there have been in a row.

    It is counted on the device, and read when `look` is called: a GPU is not waited for at each
    step.

    Args:
        device: That computes the steps.
        limit: So many in a row are too many.
    """

    def __init__(self, device: torch.device, limit: int):
        self.limit, self.count, self.too_many = limit, 0, False
        self._row = torch.zeros((), dtype=torch.int64, device=device)
        self._most = self._row.clone()

    def note(self, left_out: Tensor) -> None:
        """Counts a step, with a number () that is above 0 where it changed nothing."""
        self._row = torch.where(left_out > 0, self._row + 1, 0)
        self._most = torch.maximum(self._most, self._row)
        if self._row.device.type == "cpu":
            self.look()

    def look(self) -> None:
        """Makes `count`, those up to now, and `too_many` what they are."""
        self.count, most = torch.stack([self._row, self._most]).tolist()
        self.too_many = most >= self.limit
