"""The message when a run's files cannot be written: the file, the reason, and the way out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gta.errors import MachineError
from gta.files import why_not_written


@contextmanager
def explained(what: str, folder: Path) -> Iterator[None]:
    """Turns errors of the file system within the context into a message.

    Args:
        what: Name of the file that is written.
        folder: The run's folder.

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
