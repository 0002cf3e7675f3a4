"""The checkpoint from which a run resumes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gta.errors import UsageError
from gta.training.checkpoint import read_file, read_folder, ways_out
from gta.training.checkpoint_folder import CheckpointFolder, DamagedError

FOLDER, OLD = "checkpoints", "checkpoint.pt"
"""Names of today's checkpoints, and of the checkpoint of earlier versions."""


def has_checkpoint(folder: Path) -> bool:
    """Whether a run's folder holds a checkpoint, damaged or not."""
    checkpoints = CheckpointFolder(folder / FOLDER, keep=1)
    return (folder / OLD).is_file() or next(checkpoints.all(), None) is not None


def newest_state(folder: Path, say: Callable[[str], object]) -> dict[str, Any] | None:
    """The state of the newest intact checkpoint of a run; None: there is none.

    Args:
        folder: The run's folder.
        say: Takes a line about each damaged checkpoint.

    Raises:
        UsageError: All are damaged.
    """
    if not has_checkpoint(folder):
        return None
    damaged = list[str]()

    def note(text: str) -> None:
        damaged.append(text)
        say(text)

    state = CheckpointFolder(folder / FOLDER, keep=1).newest(read_folder, note)
    if state is not None:
        if damaged:
            epoch, batch = state["position"]["epoch"], state["position"]["batch"]
            say(f"the checkpoint before it is used: after epoch {epoch}, batch {batch}")
        return state
    if (folder / OLD).is_file():
        try:
            return read_file(folder / OLD)
        except DamagedError as error:
            damaged.append(f"{folder / OLD} is damaged: {error}")
    raise UsageError(
        f"no checkpoint of {folder} can be used to resume: {'; '.join(damaged)}. "
        f"The way out: {ways_out(folder)}."
    )
