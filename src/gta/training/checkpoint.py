"""Everything needed to go on training as if nothing had happened."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gta.errors import UsageError
from gta.files import write_atomically


@dataclass(slots=True)
class Position:
    """Where training is, and what it has found so far."""

    data: str
    """Fingerprint of the videos."""
    epoch: int = 0
    """Finished epochs."""
    batch: int = 0
    """Finished batches of the epoch under way."""
    totals: list[float] = field(default_factory=lambda: [0.0] * 4)
    """Of that epoch: sum of losses, clips classified rightly, clips, steps left out.

    Checkpoints of earlier versions lack the last.
    """
    best_top1: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry for each finished epoch."""
    failures: dict[str, str] = field(default_factory=dict)
    """Training videos that could not be read, and why."""

    @property
    def place(self) -> tuple[int, int]:
        """Finished epochs, and batches of the next."""
        return self.epoch, self.batch

    def finish(self, entry: dict[str, float]) -> None:
        """Ends the epoch under way, of which the history gets that."""
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, [0.0] * 4
        self.history.append(entry)


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: Position,
    averaged: nn.Module | None = None,
) -> None:
    """Writes the checkpoint; the one before it stays until the new one is on the disk."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "position": asdict(position),
    }
    if averaged is not None:
        state["averaged"] = averaged.state_dict()
    write_atomically(path, lambda part: torch.save(state, part))


def load_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: Position,
    averaged: nn.Module | None = None,
) -> Position:
    """Puts model, optimiser and averaged model where the checkpoint was.

    Returns:
        The position of the checkpoint, or `position` if there is no checkpoint.

    Raises:
        UsageError: The file is damaged, or of other videos or another model.
    """
    if not path.is_file():
        return position
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found = Position(**state["position"])
        if found.data == position.data:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            if averaged is not None:
                averaged.load_state_dict(state["averaged"])
    except Exception as error:  # unpickling raises errors of many types
        raise UsageError(
            f"{path} cannot be used to go on ({_first_line(error)}). Remove it to train from the "
            f"start, or give another --out."
        ) from error
    if found.data != position.data:
        raise UsageError(
            f"the videos or classes are not those with which {path.parent} was begun; going on "
            f"would mix two data sets. Give another --out, or restore the data folder."
        )
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
