"""Shards: the copies of a split, in its order, in tar files of about one size.

A shard is there with its index, or not at all; the files in it are deleted afterwards.
"""

import io
import json
import tarfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gta.data.formats.prepared import WORK
from gta.data.prepare.copies import Copy, remove
from gta.data.prepare.journal import Entry
from gta.data.prepare.plan import Job
from gta.data.records import Split
from gta.data.storage.shards import checksum_of
from gta.files import write_atomically, write_text

Place = tuple[int, int, str]
"""Offset and size in bytes, and key."""


class Packer:
    """Packs copies as they are finished; goes on with the shards that are there."""

    def __init__(self, folder: Path, jobs: Sequence[Job], shard_mb: int):
        self.folder, self.limit = folder, shard_mb * 10**6
        self.shards: dict[str, dict[str, Place]] = {}
        """Of each shard, by its name, the places of originals."""
        self.checksums: dict[str, str] = {}
        """Of the bytes at these places, by original; earlier versions wrote none down."""
        for index in sorted((folder / WORK).glob("*-??????.json")):
            shard = folder / f"{index.stem}.tar"
            kept = json.loads(index.read_text(encoding="utf-8"))
            if shard.is_file() and shard.stat().st_size == kept["bytes"]:
                self.shards[shard.name] = {n: tuple(p) for n, p in kept["members"].items()}
                self.checksums |= kept.get("checksums", {})
        packed = self.packed
        for job in jobs:
            if job.name in packed:
                remove(folder / job.place)
        self._open: dict[Split, _Open] = {}
        for job in jobs:
            if job.name not in packed:
                self._open.setdefault(job.split, _Open()).waiting.append(job)

    @property
    def packed(self) -> set[str]:
        """Names of originals whose copies are in shards."""
        return {name for places in self.shards.values() for name in places}

    def pack(self, entries: dict[str, Entry], *, last: bool = False) -> None:
        """Writes the shards that are full, or, at the end, all that is left."""
        for split, shard in self._open.items():
            while shard.waiting and shard.waiting[0].name in entries:
                job = shard.waiting.popleft()
                copy = entries[job.name].copy
                if copy is not None:
                    shard.ready.append((job, copy))
                    shard.size += copy.bytes
                if shard.size >= self.limit:
                    self._write(split, shard)
            if last and shard.ready:
                self._write(split, shard)

    def _write(self, split: Split, shard: "_Open") -> None:
        number = sum(name.startswith(f"{split}-") for name in self.shards)
        name = f"{split}-{number:06d}"
        places: dict[str, Place] = {}
        checksums: dict[str, str] = {}

        def write(part: Path) -> None:
            with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
                for job, copy in shard.ready:
                    places[job.name] = _add(tar, self.folder / job.place, job, copy)
            with part.open("rb") as shard_file:  # as it is on the disk
                for original, (offset, size, _) in places.items():
                    shard_file.seek(offset)
                    checksums[original] = checksum_of(shard_file.read(size))

        file = self.folder / f"{name}.tar"
        write_atomically(file, write)
        self.checksums |= checksums
        index = {"bytes": file.stat().st_size, "members": places, "checksums": checksums}
        write_text(self.folder / WORK / f"{name}.json", json.dumps(index))
        self.shards[file.name] = places
        for job, _ in shard.ready:
            remove(self.folder / job.place)
        shard.ready, shard.size = [], 0


@dataclass(slots=True)
class _Open:
    """The shard that comes next."""

    waiting: deque[Job] = field(default_factory=deque)
    """Not looked at, in their order."""
    ready: list[tuple[Job, Copy]] = field(default_factory=list)
    size: int = 0


def _add(tar: tarfile.TarFile, path: Path, job: Job, copy: Copy) -> Place:
    """Adds a copy and what is known of it; a video file's place is its bytes."""
    start = tar.offset
    if path.is_dir():
        for file in sorted(path.iterdir()):
            _member(tar, f"{job.key}.{file.name}", file.read_bytes())
        place = (start, tar.offset - start, job.key)
    else:
        size = _member(tar, f"{job.key}{path.suffix}", path.read_bytes())
        place = (start + tarfile.BLOCKSIZE, size, job.key)
    told: dict[str, Any] = {"id": job.video.id, "label": job.video.label}
    told |= {"num_frames": copy.num_frames, "fps": copy.fps}
    _member(tar, f"{job.key}.json", json.dumps(told).encode())
    return place


def _member(tar: tarfile.TarFile, name: str, data: bytes) -> int:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
    return len(data)
