"""Whether a file can be written where it is wanted, asked before hours of work."""

from pathlib import Path

from gta.errors import UsageError


def require_place(path: Path) -> None:
    """That a file may be written there.

    Raises:
        UsageError: There is no such folder, or a folder has the file's name.
    """
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}; make it first")
    if path.is_dir():
        raise UsageError(f"{path} is a folder: give the name of a file")
