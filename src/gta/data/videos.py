"""From a data set on the disk to a list of videos: the formats by name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gta.errors import DataError, UsageError, nearest

from .flips import flip_partners
from .folder import read_folder
from .kinetics import read_kinetics
from .lists import read_list
from .official_splits import read_hmdb51, read_ucf101
from .records import Split, Video, VideoList
from .something import read_ssv1, read_ssv2

__all__ = ["FORMATS", "SPLITS", "Split", "Video", "VideoList", "load_videos"]

FORMATS = ("ssv1", "ssv2", "kinetics", "ucf101", "hmdb51", "folder", "list")
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def load_videos(
    format: str,
    root: Path,
    split: Split,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    fold: int = 1,
    lists: Mapping[Split, str | None] | None = None,
) -> VideoList:
    """Lists the videos of one split of a data set; opens none of them.

    Args:
        format: "ssv1", "ssv2", "kinetics", "ucf101", "hmdb51" as they are distributed; "folder"
            (a folder per class) or "list" (`path label`, and TSM's, MMAction2's, PySlowFast's).
        root: The data set's folder.
        split: "train", "val" or "test"; the videos of "test" may be without labels.
        val_fraction: Share of each class kept for validation where a "folder" has no split.
        seed: Of that split.
        fold: Which of the three official splits of "ucf101" and "hmdb51".
        lists: The files of a "list", where their names do not tell.

    Raises:
        UsageError: A format or split that does not exist.
        DataError: The folder is not such a data set; says what was looked for, and where.
    """
    if format not in FORMATS:
        raise UsageError(
            f"{format!r} is not a data set format.{nearest(format, list(FORMATS))} "
            f"The formats are: {', '.join(FORMATS)}."
        )
    if split not in SPLITS:
        raise UsageError(f"{split!r} is not a split; it is 'train', 'val' or 'test'.")
    root = Path(root).expanduser()
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"The data folder {root} {what}; give the folder of the data set.")
    match format:
        case "ssv1":
            found = read_ssv1(root, split)
        case "ssv2":
            found = read_ssv2(root, split)
        case "kinetics":
            found = read_kinetics(root, split)
        case "ucf101":
            found = read_ucf101(root, split, fold=fold)
        case "hmdb51":
            found = read_hmdb51(root, split, fold=fold)
        case "list":
            found = read_list(root, split, lists=lists)
        case _:
            found = read_folder(root, split, val_fraction=val_fraction, seed=seed)
    rules = flip_partners(found.classes)
    videos = [
        replace(video, flippable=video.label is None or rules.flippable(video.label))
        for video in found.videos
    ]
    return replace(found, videos=videos)
