"""Which videos were taken in one scene: a csv file of yours, with columns `path` and `scene`."""

import csv
from collections.abc import Iterable
from pathlib import Path

from gta.errors import DataError


def read_scenes(path: str | Path) -> dict[str, str]:
    """The scene of each video, by its path relative to the data folder, as in the file.

    A video that the file does not name, or whose scene is empty there, is of a scene of its own.

    Raises:
        DataError: There is no such file, it cannot be read, or it has not both columns.
    """
    path = Path(path).expanduser()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            names = rows.fieldnames or []
            if not {"path", "scene"} <= set(names):
                raise DataError(
                    f"{path}: scenes are read from columns `path` and `scene`; it has "
                    f"{', '.join(names) or 'none'}"
                )
            return {row["path"]: row["scene"] for row in rows if row["path"] and row["scene"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: the scenes cannot be read ({reason})") from error


def of_known(scenes: dict[str, str], ids: Iterable[str], path: str) -> dict[str, str]:
    """The scenes of those videos.

    Raises:
        DataError: The file names none of them.
    """
    known = {id: scenes[id] for id in ids if id in scenes}
    if not known:
        example = next(iter(scenes), "nothing")
        raise DataError(
            f"{path} names none of these videos: its paths are to be relative to the data folder, "
            f"such as walking/clip1.mp4; it has {example}"
        )
    return known
