"""A data set that `gta prepare` wrote: its manifest instead of its annotation.

prepared.json       what it was made from and how, classes, and each split's videos in their
                    order: id, label, place, number of frames, frames per second
videos/...          the copies, where they are not in shards
train-000000.tar    shards, in the layout of WebDataset
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from gta.data.formats.folder import VIDEO_SUFFIXES
from gta.data.formats.manifest_rows import check_rows
from gta.data.records import Split, Video, VideoList
from gta.data.storage.locations import inside, is_url, without_cache
from gta.data.storage.remote import NoParts, read_all
from gta.data.storage.shard_cache import ShardCache
from gta.data.storage.shards import Shard
from gta.data.storage.sources import Member, Source, Unreadable
from gta.errors import DataError, UsageError

MANIFEST = "prepared.json"
VERSION = 1
PLAN = 2
"""Of the rule that gives copies their places; the first could give two videos the same copy."""
WORK = ".prepare"
"""The folder in which `gta prepare` keeps its journal."""

_UNTOLD = {"keep_groups": False}
"""What chose the splits where neither a manifest nor the recipe says it."""

Row = tuple[str, int | None, Any, int | None, float | None]
"""Of a video: id, label, place, number of frames, frames per second. A place is a path, or [shard,
offset, size, key], or {"name", "problem"} of a video that could not be read."""


def find_manifest(root: str | Path) -> dict[str, Any] | None:
    """The manifest of a prepared data set; None: the folder is something else.

    Raises:
        DataError: It was prepared only in part, cannot be read, or is of another version.
        UsageError: Reading URLs needs a package that is not installed.
    """
    if is_url(root):
        return _fetched(str(root))
    file = Path(root) / MANIFEST
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        if (Path(root) / WORK).is_dir():
            raise DataError(
                f"{root} is prepared only in part: type the same `gta prepare` again, it goes on."
            ) from None
        return None
    return _read(file, stamp)


@lru_cache(maxsize=4)
def _read(file: Path, _stamp: int) -> dict[str, Any]:
    return _checked(file.read_bytes(), str(file))


@lru_cache(maxsize=4)
def _fetched(root: str) -> dict[str, Any]:
    url = inside(without_cache(root)[0], MANIFEST)
    try:
        return _checked(read_all(url), url)
    except FileNotFoundError as error:
        raise DataError(
            f"{url} cannot be read: there is no such file. Data at a URL has to be prepared: "
            f"gta prepare --root DIR --out OUT --shards, then copy OUT there."
        ) from error
    except OSError as error:
        raise DataError(f"{url} cannot be read: {error.strerror or error}") from error


def _checked(content: bytes, where: str) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
        version = manifest["gta_prepared"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{where} is not the manifest of a prepared data set: {error}") from error
    if version != VERSION:
        raise DataError(
            f"{where} is of version {version} and this gta reads version {VERSION}: prepare the "
            f"data set again, or use the gta that made it."
        )
    check_rows(manifest, where)
    return manifest


def prepared_videos(
    manifest: Mapping[str, Any],
    root: str | Path,
    split: Split,
    *,
    asked: Mapping[str, Any],
    cache_folder: Path,
    cache_gb: float,
) -> VideoList:
    """The videos of one split, as the reader of the original data set lists them.

    Args:
        manifest: From `find_manifest`.
        root: Where the prepared data set is now.
        split: Which.
        asked: The format and what chooses its splits, which have to be those of the manifest.
        cache_folder: Where parts of remote shards are kept.
        cache_gb: Their limit in GiB; 0: none are kept.

    Raises:
        UsageError: Something else was asked for than what was prepared.
        DataError: There is no such split, or a shard was not copied as a whole.
    """
    made_from = manifest["source"]
    for name in {**asked, **_UNTOLD}:
        had, now = (choices.get(name, _UNTOLD.get(name)) for choices in (made_from, asked))
        if had != now:
            raise UsageError(
                f"{root} was prepared from data.{name}={had}, and data.{name}={now} is asked for. "
                f"Use --set data.{name}={had}, or prepare the data set again."
            )
    part = manifest["splits"].get(split)
    if part is None:
        reason = manifest["without"].get(split, "the original has none")
        raise DataError(f"{root} was prepared without the split {split!r}: {reason}")
    _check_places(manifest, root)
    shards = _shards(manifest, root, cache_folder, cache_gb)
    pictures = manifest["settings"]["form"] == "jpeg"
    checksums = part.get("checksums") or [None] * len(part["videos"])
    videos = [
        Video(
            id,
            _source(place, root, shards, pictures, checksum),
            label,
            num_frames,
            fps=fps,
        )
        for (id, label, place, num_frames, fps), checksum in zip(
            part["videos"], checksums, strict=True
        )
    ]
    notes = (_NO_CHECKSUMS,) if any(_unsafe(video.path) for video in videos) else ()
    return VideoList(videos, part["classes"], missing=tuple(part["missing"]), notes=notes)


_NO_CHECKSUMS = (
    "The shards were written by an earlier version, without checksums: damage in them may be read "
    "as if it were video. Prepared again, they have them"
)


def _unsafe(source: Source) -> bool:
    return isinstance(source, Member) and source.checksum is None


def _check_places(manifest: Mapping[str, Any], root: str | Path) -> None:
    """Refuses what an earlier version prepared if it gave two videos the same copy.

    It called a copy by the video's name without ending, or by the whole name where that was taken.
    """
    if manifest.get("plan", 1) >= PLAN:
        return
    owners: dict[str, str] = {}
    for id in dict.fromkeys(
        row[0] for part in manifest["splits"].values() for row in part["videos"]
    ):
        name = PurePosixPath(id)
        stem = str(name.with_suffix("")) if name.suffix.lower() in VIDEO_SUFFIXES else id
        place = id if stem in owners else stem
        other = owners.setdefault(place, id)
        if other != id:
            raise DataError(
                f"{root} was prepared by an earlier version, which gave {other} and {id} one "
                f"copy: prepare the data set again, into a new folder."
            )


def _shards(
    manifest: Mapping[str, Any], root: str | Path, cache_folder: Path, cache_gb: float
) -> list[Shard]:
    if is_url(root):
        return _remote_shards(manifest, str(root), cache_folder, cache_gb)
    for name, size in manifest["shards"]:
        file = Path(root) / name
        there = file.stat().st_size if file.is_file() else None
        if there != size:
            what = "is missing" if there is None else f"has {there} of {size} bytes"
            raise DataError(f"The shard {file} {what}: copy it again.")
    return [Shard(str(Path(root) / name)) for name, _ in manifest["shards"]]


def _remote_shards(
    manifest: Mapping[str, Any], root: str, cache_folder: Path, cache_gb: float
) -> list[Shard]:
    url, whole = without_cache(root)
    total = sum(size for _, size in manifest["shards"])
    needed = -(-total // 2**30)  # GiB
    if whole and total > cache_gb * 2**30:
        raise UsageError(
            f"{root} asks for whole shards to be kept on this disk: {total / 1e9:.1f} GB, more "
            f"than data.shard_cache_gb={cache_gb:g}. Use --set data.shard_cache_gb={needed}, or "
            f"--root {url}, of which the parts that fit are kept."
        )
    cache = ShardCache.of(cache_folder, url, manifest["made"], cache_gb)
    shards = [
        Shard(inside(url, name), cache, size if whole else None)
        for name, size in manifest["shards"]
    ]
    if shards and not whole:
        room = "" if total <= cache_gb * 2**30 else f" --set data.shard_cache_gb={needed}"
        try:
            _tried_parts(shards[0].location)
        except NoParts as error:
            raise DataError(
                f"{shards[0]} cannot be read by part: {error}. Each sample would cost a whole "
                f"shard. Copy the data to a server that sends parts (HTTP's Range; an object "
                f"storage does), or keep the whole shards on this disk, {total / 1e9:.1f} GB: "
                f"--root simplecache::{url}{room}"
            ) from error
        except OSError as error:
            raise DataError(
                f"{shards[0]}, which {MANIFEST} beside it names, cannot be read: "
                f"{error.strerror or error}"
            ) from error
    return shards


@lru_cache(maxsize=4)
def _tried_parts(location: str) -> None:
    Shard(location).try_parts()


def _source(
    place: Any, root: str | Path, shards: list[Shard], pictures: bool, checksum: str | None
) -> Source:
    if isinstance(place, dict):
        return Unreadable(place["name"], place["problem"])
    if isinstance(place, str):
        if is_url(root):
            raise DataError(
                f"{root} was prepared as files, which are read from a disk; for a URL prepare it "
                f"with --shards."
            )
        return Path(root) / place
    shard, offset, size, key = place
    return Member(shards[shard], key, offset, size, pictures, checksum)


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """JSON with a line for each video."""
    head = {name: value for name, value in manifest.items() if name != "splits"}
    text = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}") + ',\n "splits": {'
    parts = []
    for split, part in manifest["splits"].items():
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in part["videos"])
        rest = json.dumps({k: v for k, v in part.items() if k != "videos"}, ensure_ascii=False)
        parts.append(f'\n{json.dumps(split)}: {rest.removesuffix("}")}, "videos": [\n{rows}]}}')
    return text + ",".join(parts) + "}}\n"
