"""Bits that flip in shards of prepared videos: found by their checksums."""

import io
import random
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.line import Line
from benchmarks.reliability.media_files import write
from gta.data.decode import read_frames
from gta.data.storage.shards import Shard, checksum_of
from gta.data.storage.sources import Member
from gta.errors import VideoError


def flips(count: int, folder: Path) -> int:
    """How many of so many flipped bits, one at a time, are found when the sample is read."""
    video, path, found = write(folder / "a.mp4").read_bytes(), folder / "a.tar", 0
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("a.mp4")
        info.size = len(video)
        tar.addfile(info, io.BytesIO(video))
    with tarfile.open(path) as tar:
        offset = tar.getmembers()[0].offset_data
    member = Member(Shard(str(path)), "a", offset, len(video), checksum=checksum_of(video))
    whole, rng = path.read_bytes(), random.Random(0)
    read_frames(member, [0])
    for _ in range(count):
        damaged = bytearray(whole)
        damaged[offset + rng.randrange(len(video))] ^= 1 << rng.randrange(8)
        with path.open("r+b") as file:  # the same file: readers hold it open
            file.write(damaged)
        try:
            read_frames(member, [0])
        except VideoError:
            found += 1
    return found


def lines(count: int = 1000) -> Iterator[Line]:
    """Line 7, of shards."""
    with tempfile.TemporaryDirectory(prefix="gta-shards-") as name:
        found = flips(count, Path(name))
    told = f"{found} of {count} found"
    yield Line(7, f"{count} flipped bits in a shard", told, f"{count}", found == count)
