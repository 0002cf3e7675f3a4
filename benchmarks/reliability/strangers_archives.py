"""Archives from strangers: nothing is unpacked, and what would grow without bound is refused."""

import io
import json
import shutil
import struct
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.reliability.line import Line
from benchmarks.reliability.media_files import write
from gta.backbones.weights import read_weights
from gta.data.decode import read_frames
from gta.data.videos import load_videos
from gta.errors import UsageError
from gta.evaluation.scores import Scores


def hostile_zip(path: Path, kind: str, members: int) -> Path:
    """A .npz or .pth that is more than it seems."""
    if kind == "members":
        return many_members(path, members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "grows":
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": "|u1", "fortran_order": False, "shape": (2 * 10**9,)}
            )
            with archive.open("scores.npy", "w", force_zip64=True) as file:
                file.write(header.getvalue())
                for _ in range(2000):
                    file.write(bytes(10**6))
        else:
            archive.writestr("../outside.npy", b"x")
            archive.writestr("/tmp/outside.npy", b"x")
    return path


def many_members(path: Path, count: int) -> Path:
    """A zip of empty members (APPNOTE.TXT, 4.3, with the ends of ZIP64)."""
    with path.open("wb") as file:
        names = [b"%08d.npy" % i for i in range(count)]
        start = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 12, 0)
        file.write(b"".join(start + name for name in names))
        begin, step = file.tell(), len(start) + 12
        entry = struct.pack("<4s6H3I5HI", b"PK\1\2", 20, 20, *(0, 0, 0, 33, 0, 0, 0, 12), *[0] * 5)
        file.write(
            b"".join(entry + struct.pack("<I", i * step) + name for i, name in enumerate(names))
        )
        size, end = file.tell() - begin, file.tell()
        file.write(
            struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, begin)
        )
        file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        last = (0, 0, 0xFFFF, 0xFFFF, min(size, 0xFFFFFFFF), min(begin, 0xFFFFFFFF), 0)
        file.write(struct.pack("<4s4H2IH", b"PK\5\6", *last))
    return path


def prepared(folder: Path, places: list[object], shards: list[object]) -> Path:
    """A manifest that names files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    videos = [[str(i), 0, place, 9, None] for i, place in enumerate(places)]
    part = {"classes": ["a"], "missing": [], "videos": videos, "checksums": [None] * len(videos)}
    manifest = {
        "gta_prepared": 1,
        "made": "x",
        "source": {"format": "folder"},
        "plan": 1,
        "settings": {},
        "problems": 0,
        "without": {},
        "shards": shards,
        "gain": None,
        "splits": {"train": part, "val": part},
    }
    (folder / "prepared.json").write_text(json.dumps(manifest))
    return folder


def refused(work: Callable[[], object]) -> bool:
    try:
        work()
    except UsageError:
        return True
    return False


def manifests(folder: Path) -> list[str]:
    """Manifests that name files outside of their folder and are not refused."""
    secret = write(folder / "secret.mp4")
    with tarfile.open(folder / "secret.tar", "w") as tar:
        tar.add(secret, "a.mp4")
    size = (folder / "secret.tar").stat().st_size
    root, faults = folder / "set", list[str]()

    def read() -> None:
        for video in load_videos("folder", root, "train").videos:
            assert not isinstance(video.path, str)
            read_frames(video.path, [0])

    for place in ("../secret.mp4", str(secret), "a/../../secret.mp4", "link.mp4", "\0", "", 7, {}):
        prepared(root, [place], [])
        (root / "link.mp4").symlink_to(secret)
        if place != "link.mp4" and not refused(read):
            faults.append(f"a place {place!r}")
    for shard in ("../secret.tar", str(folder / "secret.tar"), "http://127.0.0.1:9/a.tar", "\n"):
        prepared(root, [[0, 512, secret.stat().st_size, "a"]], [[shard, size]])
        if not refused(read):
            faults.append(f"a shard {shard!r}")
    return faults


def lines(members: int = 1_000_000) -> Iterator[Line]:
    """Lines 18 and 19."""
    with tempfile.TemporaryDirectory(prefix="gta-archives-") as name:
        folder = Path(name)
        faults, longest = list[str](), 0.0
        for kind in ("members", "grows", "outside"):
            path = hostile_zip(folder / f"{kind}.npz", kind, members)
            for reader in (Scores.load, read_weights):
                began = time.perf_counter()
                if not refused(lambda path=path, reader=reader: reader(path)):
                    faults.append(f"{kind} by {reader.__qualname__}")
                longest = max(longest, time.perf_counter() - began)
        outside = [Path("/tmp/outside.npy"), folder.parent / "outside.npy"]
        faults += [f"wrote {path}" for path in outside if path.exists()]
        yield Line(
            18,
            f"archives with {members:,} members, 2 GB in 2 MB, names outside",
            f"{'; '.join(faults) or 'all refused, no file outside'}; the slowest {longest:.1f} s",
            "refused, 0 files outside, 10 s",
            not faults and longest < 10,
            timed=True,
        )
        faults = manifests(folder)
        yield Line(
            19,
            "prepared sets that name files and shards outside of their folder",
            "; ".join(faults) or "all refused",
            "all refused",
            not faults,
        )
