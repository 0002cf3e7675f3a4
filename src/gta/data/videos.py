"""From a data set on the disk to a list of videos: the formats by name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gta.config import DataSource
from gta.data.formats.folder import read_folder
from gta.data.formats.kinetics import read_kinetics
from gta.data.formats.lists import read_list
from gta.data.formats.official_splits import read_hmdb51, read_ucf101
from gta.data.formats.prepared import find_manifest, prepared_videos
from gta.data.formats.something import read_ssv1, read_ssv2
from gta.data.records import Split, Video, VideoList
from gta.data.storage.locations import is_url
from gta.data.storage.shard_cache import default_folder
from gta.data.transforms.flips import flip_partners
from gta.errors import DataError, UsageError, nearest

__all__ = ["FORMATS", "SPLITS", "Split", "Video", "VideoList", "list_videos", "load_videos"]

FORMATS = ("ssv1", "ssv2", "kinetics", "ucf101", "hmdb51", "folder", "list")
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def list_videos(source: DataSource, split: Split) -> VideoList:
    """The videos of one split that a recipe's `data` section names.

    Raises:
        UsageError: It names no folder.
        DataError: The folder is not such a data set.
    """
    if source.root is None:
        raise UsageError("which videos? Give the folder of the data set: --root DIR")
    return load_videos(
        source.format,
        source.root,
        split,
        val_fraction=source.val_fraction,
        seed=source.split_seed,
        keep_groups=source.keep_groups,
        scenes=source.scenes,
        fold=source.fold,
        lists={"train": source.train_list, "val": source.val_list, "test": source.test_list},
        cache_dir=source.cache_dir,
        shard_cache_gb=source.shard_cache_gb,
    )


def load_videos(
    format: str,
    root: str | Path,
    split: Split,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    keep_groups: bool = False,
    scenes: str | None = None,
    fold: int = 1,
    lists: Mapping[Split, str | None] | None = None,
    cache_dir: str | None = None,
    shard_cache_gb: float = 0.0,
) -> VideoList:
    """Lists the videos of one split of a data set; opens none of them.

    Args:
        format: "ssv1", "ssv2", "kinetics", "ucf101", "hmdb51" as they are distributed; "folder"
            (a folder per class) or "list" (`path label`, and TSM's, MMAction2's, PySlowFast's).
        root: The data set's folder, or what `gta prepare` made of it, which may be at a URL.
        split: "train", "val" or "test"; the videos of "test" may be without labels.
        val_fraction: Share of each class kept for validation where a "folder" has no split.
        seed: Of that split.
        keep_groups: Videos of one recording stay in one part of that split.
        scenes: A csv file with the scene of each video of a "folder": likewise.
        fold: Which of the three official splits of "ucf101" and "hmdb51".
        lists: The files of a "list", and the annotations of "kinetics", where their names do not
            tell.
        cache_dir: Where parts of remote shards are kept; None: the user's cache folder.
        shard_cache_gb: How much of them, in GiB.

    Raises:
        UsageError: A format or split that does not exist, or another than was prepared.
        DataError: The folder is not such a data set; says what was looked for, and where.
    """
    if format not in FORMATS:
        raise UsageError(
            f"{format!r} is not a data set format.{nearest(format, list(FORMATS))} "
            f"The formats are: {', '.join(FORMATS)}."
        )
    if split not in SPLITS:
        raise UsageError(f"{split!r} is not a split; it is 'train', 'val' or 'test'.")
    if not is_url(root):
        root = Path(root).expanduser()
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise DataError(f"The data folder {root} {what}; give the folder of the data set.")
    manifest = find_manifest(root)
    if manifest is not None:
        listed = prepared_videos(
            manifest,
            root,
            split,
            asked=chosen_splits(
                format,
                val_fraction=val_fraction,
                seed=seed,
                keep_groups=keep_groups,
                fold=fold,
                lists=lists,
            ),
            cache_folder=Path(cache_dir).expanduser() if cache_dir else default_folder(),
            cache_gb=shard_cache_gb,
        )
    else:
        listed = _read(
            format, Path(root), split, val_fraction, seed, keep_groups, fold, lists, scenes
        )
    rules = flip_partners(listed.classes)
    videos = [
        replace(video, flippable=video.label is None or rules.flippable(video.label))
        for video in listed.videos
    ]
    return replace(listed, videos=videos)


def chosen_splits(
    format: str,
    *,
    val_fraction: float,
    seed: int,
    keep_groups: bool = False,
    fold: int,
    lists: Mapping[Split, str | None] | None,
) -> dict[str, object]:
    """The format and what else decides which videos its splits have, by names of the recipe."""
    chosen: dict[str, object] = {"format": format}
    if format in ("ucf101", "hmdb51"):
        chosen["fold"] = fold
    if format == "folder":
        chosen |= {"val_fraction": val_fraction, "split_seed": seed}
        chosen |= {"keep_groups": True} if keep_groups else {}
    if format == "list":
        chosen |= {f"{split}_list": (lists or {}).get(split) for split in SPLITS}
    if format == "kinetics":
        chosen |= {f"{split}_list": name for split, name in (lists or {}).items() if name}
    return chosen


def _read(
    format: str,
    root: Path,
    split: Split,
    val_fraction: float,
    seed: int,
    keep_groups: bool,
    fold: int,
    lists: Mapping[Split, str | None] | None,
    scenes: str | None = None,
) -> VideoList:
    match format:
        case "ssv1":
            return read_ssv1(root, split)
        case "ssv2":
            return read_ssv2(root, split)
        case "kinetics":
            return read_kinetics(root, split, lists=lists)
        case "ucf101":
            return read_ucf101(root, split, fold=fold)
        case "hmdb51":
            return read_hmdb51(root, split, fold=fold)
        case "list":
            return read_list(root, split, lists=lists)
        case _:
            return read_folder(
                *(root, split),
                val_fraction=val_fraction,
                seed=seed,
                keep_groups=keep_groups,
                scenes=scenes,
            )
