"""From a data set on the disk to a list of videos: the formats by name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Concatenate

from gta.errors import DataError, UsageError, nearest

from .flips import flip_partners
from .folder import read_folder
from .records import Split, Video, VideoList
from .something import read_ssv1, read_ssv2

__all__ = ["FORMATS", "Split", "Video", "VideoList", "load_videos"]

FORMATS: dict[str, Callable[Concatenate[Path, Split, ...], VideoList]] = {
    "ssv1": read_ssv1,
    "ssv2": read_ssv2,
    "folder": read_folder,
}


def load_videos(
    format: str, root: Path, split: Split, *, val_fraction: float = 0.2, seed: int = 0
) -> VideoList:
    """Lists the videos of one split of a data set; opens none of them.

    Args:
        format: "ssv1", "ssv2" (Something-Something as it is distributed) or "folder".
        root: The data set's folder.
        split: "train" or "val".
        val_fraction: Share of each class kept for validation where a "folder" has no split.
        seed: Of that split.

    Raises:
        UsageError: A format or split that does not exist.
        DataError: The folder is not such a data set; says what was looked for, and where.
    """
    if format not in FORMATS:
        allowed = list(FORMATS)
        raise UsageError(
            f"{format!r} is not a data set format.{nearest(format, allowed)} "
            f"The formats are: {', '.join(allowed)}."
        )
    if split not in ("train", "val"):
        raise UsageError(f"{split!r} is not a split; it is 'train' or 'val'.")
    root = Path(root).expanduser()
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"The data folder {root} {what}; give the folder of the data set.")
    if format == "folder":
        found = read_folder(root, split, val_fraction=val_fraction, seed=seed)
    else:
        found = FORMATS[format](root, split)
    rules = flip_partners(found.classes)
    videos = [
        replace(video, flippable=video.label is None or rules.flippable(video.label))
        for video in found.videos
    ]
    return VideoList(videos, found.classes)
