"""Checks an output path before hours of work."""

from pathlib import Path

from gta.errors import UsageError


def require_place(path: Path) -> None:
    """Checks that a file may be written to a path.

    Raises:
        UsageError: There is no such folder, or a folder has the file's name.
    """
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}; make it first")
    if path.is_dir():
        raise UsageError(f"{path} is a folder: give the name of a file")
