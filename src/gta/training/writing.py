"""What is said when a run's files cannot be written: what, where, and how to go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gta.errors import MachineError
from gta.files import why_not_written


@contextmanager
def told(what: str, folder: Path) -> Iterator[None]:
    """Makes a sentence of what the file system says inside.

    Args:
        what: Is written.
        folder: Of the run.

    Raises:
        MachineError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason, cure = why_not_written(error)
        raise MachineError(
            f"{what} in {folder} could not be written: {reason}. What was saved before stays: "
            f"{cure}, and the same command goes on from there"
        ) from error
