"""Videos that a list file names, read as the lists of data sets are."""

import re
from dataclasses import replace
from pathlib import Path

from gta.data.formats.lists import read_list
from gta.data.records import VideoList
from gta.errors import DataError
from gta.names import shown


def read_videos(file: str | Path, root: str | Path | None = None) -> VideoList:
    """The videos of a list: csv, txt or json, with labels or without.

    A video that is not there is in it all the same: it is an error where it is read.

    Args:
        file: A path in each line, alone or with what the lists of data sets have.
        root: The folder to which its paths are relative; None: that of the file, or / where they
            begin with it.

    Raises:
        DataError: There is no such file, or a line makes no sense.
    """
    file = Path(file).expanduser().absolute()
    if not file.is_file():
        raise DataError(f"{shown(str(file))}: no such list of videos")
    folder = file.parent if root is None else Path(root).expanduser()
    try:
        return _listed(file, folder)
    except DataError:
        if root is not None:
            raise
        try:
            return _listed(file, Path(file.anchor))
        except DataError:
            pass
        raise


def _listed(file: Path, root: Path) -> VideoList:
    listed = read_list(root, "test", lists={"test": str(file)})
    # two slashes at the beginning are kept by POSIX and mean the same
    paths = (Path(re.sub("^//+", "/", str(video.path))) for video in listed.videos)
    pairs = zip(listed.videos, paths, strict=True)
    return replace(listed, videos=[replace(video, path=path) for video, path in pairs])
