"""The videos of a run, and their frames in memory if they fit."""

import hashlib
from dataclasses import dataclass

from gta.config import Recipe
from gta.cores import processes_here
from gta.data.cache import FrameCache
from gta.data.loader import num_workers
from gta.data.records import VideoList
from gta.data.transforms.clip import Resize
from gta.data.videos import list_videos
from gta.progress import Report
from gta.protocols import parse_protocol


@dataclass(frozen=True, slots=True)
class Splits:
    """Training and validation videos; a cache may hold frames of either."""

    train: VideoList
    val: VideoList
    train_cache: FrameCache | None = None
    val_cache: FrameCache | None = None

    @property
    def cached(self) -> bool:
        """Whether all frames are in memory."""
        pairs = ((self.train, self.train_cache), (self.val, self.val_cache))
        return all(cache is not None and cache.num_cached == len(v) for v, cache in pairs)

    def fingerprint(self) -> str:
        """A hash of ids, labels and class names: equal for equal data sets."""
        digest = hashlib.sha256()
        for part in (self.train, self.val):
            digest.update(_bytes("\n".join(part.classes)))
            digest.update(_bytes("".join(f"\n{v.id} {v.label}" for v in part.videos)))
        return digest.hexdigest()


def _bytes(names: str) -> bytes:
    """UTF-8; a file name need not be."""
    return names.encode(errors="backslashreplace")


def load_splits(recipe: Recipe, report: Report, *, world_size: int = 1) -> Splits:
    """Lists the videos that a recipe names, and decodes into memory what `data.cache_gb` allows.

    Args:
        recipe: Its `data` section; the rest says how frames are resized.
        report: Shows progress.
        world_size: Number of training processes; those of a machine share `data.cache_gb`.

    Raises:
        UsageError: The recipe names no folder.
        DataError: The folder holds no such data set.
    """
    data = recipe.data
    train, val = list_videos(data, "train"), list_videos(data, "val")
    for note in dict.fromkeys((*train.notes, *val.notes)):
        report.say(note)
    for name, videos in (("training", train), ("validation", val)):
        if videos.missing:
            total = len(videos) + len(videos.missing)
            report.say(f"{len(videos)} of {total} {name} videos of the annotation are there")
    if data.cache_gb == 0:
        return Splits(train, val)
    limit_gb = data.cache_gb / processes_here(world_size)
    workers = num_workers(data.workers, world_size=world_size)
    train_cache = _fill("training", train, limit_gb, recipe.clip.resize, workers, report)
    limit_gb -= train_cache.bytes / 2**30
    resize = parse_protocol(recipe.test.protocol).resize
    val_cache = _fill("validation", val, limit_gb, resize, workers, report)
    return Splits(train, val, train_cache, val_cache)


def _fill(
    split: str, videos: VideoList, limit_gb: float, resize: Resize, workers: int, report: Report
) -> FrameCache:
    with report.track("decoding", len(videos)) as advance:
        cache = FrameCache.fill(
            videos,
            limit_gb=limit_gb,
            resize=resize,
            workers=workers,
            progress=lambda done, _: advance(done, ""),
        )
    if cache.num_cached < len(videos):
        report.say(
            f"{cache.num_cached} of {len(videos)} {split} videos are kept in memory "
            f"(data.cache_gb, {cache.bytes / 2**30:.2f} GiB); the others are read from their files"
        )
    return cache
