"""What is written stays outside of the data set: a folder in it would be one of its classes."""

from collections.abc import Iterator
from os.path import abspath
from pathlib import Path

from gta.data.storage.locations import is_url
from gta.errors import UsageError

_SPLITS = ("train", "val", "validation", "test")


def check_outside(option: str, path: Path, root: str | Path | None) -> None:
    """Refuses a place inside of a data set, also a place that a symbolic link puts there.

    Args:
        option: That named the place, such as "--out".
        path: The place; need not exist.
        root: The folder of the data set; a URL and None have no inside.

    Raises:
        UsageError: It is inside, or is the data set itself.
    """
    if root is None or is_url(root):
        return
    root = Path(root).expanduser()
    if any(_is_in(path, place) for place in (root, *_linked(root))):
        where = "is" if path.resolve() == root.resolve() else "is inside of"
        elsewhere = Path(abspath(root)).parent / "runs" / path.name
        raise UsageError(
            f"{option} {path} {where} the data set {root}, where a folder is taken for a class or "
            f"a video. Give a place elsewhere, such as {option} {elsewhere}"
        )


def _is_in(path: Path, folder: Path) -> bool:
    """As it is written, or as the disk has it."""
    return Path(abspath(path)).is_relative_to(abspath(folder)) or path.resolve().is_relative_to(
        folder.resolve()
    )


def _linked(root: Path) -> Iterator[Path]:
    """Folders elsewhere that are parts of the data set by a symbolic link."""
    for folder in (root, *(root / name for name in _SPLITS)):
        if folder.is_dir():
            yield from (entry for entry in folder.iterdir() if entry.is_symlink())
