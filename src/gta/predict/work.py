"""The folder of much work: a list of videos in shards, each of them one output file.

work.json            what is to be done: digests of the list, the model and the protocol
videos.txt           the videos, one a line, each once
starts.npy           the byte of videos.txt at which each shard begins, and its end
shards/000012.jsonl  a finished shard: a line for each of its videos, in their order
leases/000012        a process is at this shard

A shard is written under another name and renamed: it is there whole or not at all, and whoever
writes it once more writes the same. A list is read when the folder is made; later only its digest
is taken, so that a million videos are gone on with in a moment.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gta.errors import UsageError
from gta.files import put_in_place, write_atomically, write_text
from gta.locks import LOCK, alone
from gta.predict.lists import read_videos

SHARD = 100
"""Videos of a shard, where nothing else is said."""
_WORK, _VIDEOS, _STARTS = "work.json", "videos.txt", "starts.npy"
_VERSION = 1
_LOOKED_FOR = 20
"""Lines of a new list that are looked for: if none is a path, it is no list of paths alone."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every shard of a folder has in common."""

    list: str
    """SHA-256 of the list's bytes."""
    root: str
    model: str
    """SHA-256 of the weights, the recipe of network and clip, and the names of classes."""
    protocol: str
    top: int | None
    """Classes of a line; None: all."""


_NAMES = {
    "list": "list of videos",
    "root": "--root",
    "model": "model",
    "protocol": "protocol",
    "top": "--top",
}


class Work:
    """A folder of shards; `begin` makes it or goes on with it."""

    def __init__(self, folder: Path, job: Job, num_videos: int, size: int):
        self.folder, self.job = folder, job
        self.num_videos, self.size = num_videos, size
        self.num_shards = -(-num_videos // size)
        self.shards, self.leases = folder / "shards", folder / "leases"

    @classmethod
    def begin(cls, folder: Path, file: Path, job: Job, size: int | None = None) -> "Work":
        """The folder of a job.

        Args:
            folder: A new folder, or a folder that was begun for the same.
            file: The list: a path a line, or a list of a data set. Its digest is `job.list`.
            job: What is to be done.
            size: Videos of a shard, of a new folder.

        Raises:
            UsageError: The folder was begun for something else, or is a file.
            DataError: The list holds no video, or none of its videos is there.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(f"--work {folder}: there is a file; give a new folder") from error
        if not (folder / _WORK).is_file():
            with alone(folder / LOCK):
                if not (folder / _WORK).is_file():
                    _make(folder, file, job, size or SHARD)
        work = cls._open(folder)
        for key, value in asdict(work.job).items():
            if value != getattr(job, key):
                told = _differ(value, getattr(job, key)) if key not in ("list", "model") else ""
                raise UsageError(
                    f"{folder} was begun with another {_NAMES[key]}{told}. Give another --work, or "
                    f"what it was begun with; remove the folder to begin anew."
                )
        if size is not None and size != work.size:
            raise UsageError(
                f"{folder} was begun with {work.size} videos a shard, not {size}: leave --shard "
                f"out, or give another --work."
            )
        return work

    @classmethod
    def _open(cls, folder: Path) -> "Work":
        try:
            told = json.loads((folder / _WORK).read_text(encoding="utf-8"))
            if told["gta_work"] != _VERSION:
                raise ValueError(f"it is of version {told['gta_work']}, this is {_VERSION}")
            return cls(folder, Job(**told["job"]), told["videos"], told["shard"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{folder / _WORK} cannot be used ({error}): give another --work"
            ) from error

    def unfinished(self) -> list[int]:
        """The shards that are not written yet, in order."""
        finished = {int(n[:-6]) for n in os.listdir(self.shards) if _is_shard(n)}
        return [shard for shard in range(self.num_shards) if shard not in finished]

    def is_finished(self, shard: int) -> bool:
        """Whether a shard is written."""
        return self.path(shard).exists()

    def path(self, shard: int) -> Path:
        """Where a shard is, or will be."""
        return self.shards / f"{shard:06d}.jsonl"

    def videos(self, shard: int) -> list[str]:
        """The videos of a shard, as the list has them."""
        starts = np.load(self.folder / _STARTS, mmap_mode="r")
        begin, end = int(starts[shard]), int(starts[shard + 1])
        with (self.folder / _VIDEOS).open("rb") as file:
            file.seek(begin)
            return [os.fsdecode(line) for line in file.read(end - begin).splitlines()]

    def located(self, video: str) -> str:
        """The path of a video of the list."""
        return os.path.join(self.job.root, video)

    def write(self, shard: int, lines: list[str]) -> None:
        """Writes a finished shard.

        Args:
            shard: Its number.
            lines: Of its videos, in their order.
        """
        part = self.shards / f".{shard:06d}.{os.getpid()}.{os.urandom(4).hex()}.part"
        try:
            part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
            put_in_place(part, self.path(shard))
        finally:
            part.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Removes what killed processes have left behind; for when all is finished."""
        for left in (*self.shards.glob(".*.part"), *self.leases.iterdir()):
            left.unlink(missing_ok=True)


def digest_of(file: Path) -> str:
    """SHA-256 of a list's bytes.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(
            f"the list {file} cannot be read: {error.strerror or error}. Give --list a text file "
            f"with the path of a video in each line."
        ) from error


def _make(folder: Path, file: Path, job: Job, size: int) -> None:
    """Fills a new folder; `work.json` comes last."""
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != job.list:
        raise UsageError(f"the list {file} has just been changed; type the same command again")
    videos = _plain(content, job.root) or _named(file, job.root)
    lengths = np.fromiter((len(video) + 1 for video in videos), dtype=np.int64, count=len(videos))
    starts = np.concatenate([[0], np.add.reduceat(lengths, range(0, len(videos), size)).cumsum()])
    write_atomically(folder / _VIDEOS, lambda part: part.write_bytes(b"\n".join([*videos, b""])))
    write_atomically(folder / _STARTS, lambda part: np.save(part, starts))
    for inside in ("shards", "leases"):
        (folder / inside).mkdir(exist_ok=True)
    about = {"gta_work": _VERSION, "job": asdict(job), "videos": len(videos), "shard": size}
    write_text(folder / _WORK, json.dumps(about, indent=1) + "\n")


def _plain(content: bytes, root: str) -> list[bytes]:
    """A path a line, each once, in order: a million in a moment; [] if none of some is there."""
    lines = (line.strip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines())
    videos = list(dict.fromkeys(line for line in lines if line))
    step = max(len(videos) // _LOOKED_FOR, 1)
    some = (os.path.join(root, os.fsdecode(video)) for video in videos[::step])
    return videos if any(map(os.path.exists, some)) else []


def _named(file: Path, root: str) -> list[bytes]:
    """Of a list with labels, of csv or JSON; a folder of frames is named like a file."""
    paths = (str(video.path) for video in read_videos(file, root).videos)
    inside = root.rstrip(os.sep) + os.sep
    return [os.fsencode(path.removeprefix(inside)) for path in dict.fromkeys(paths)]


def _is_shard(name: str) -> bool:
    return name.endswith(".jsonl") and name[:-6].isdecimal()


def _differ(before: object, now: object) -> str:
    return f" ({before}, now {now})"
