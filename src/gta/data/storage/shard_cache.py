"""Parts of remote shards on the local disk, within a limit, shared by all processes.

What is kept is the part of one sample. Whole shards would be fetched again and again for one sample
each as soon as they do not all fit, because an epoch is a permutation of all samples. They are kept
where they all fit, for servers that send no parts.

A full cache keeps what it has of the data set in use: each sample is read once an epoch, so that
the least recently used part is as good as any, and throwing it out for the next would cost hits (of
a half that fits, 15% instead of 50%). Parts of other data sets go first, the least recently used
data set before the others.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from gta.errors import UsageError
from gta.locks import alone

_COUNT = "bytes"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class ShardCache:
    """The parts of one data set in a cache folder.

    A part is written to another name first, so that no reader sees half of a part. The count of
    bytes is kept in a file, changed under a lock that ends with its process.
    """

    folder: str
    """Of the cache, for all data sets."""
    name: str
    """Of the data set in it."""
    limit: int
    """Bytes of all data sets together."""

    @classmethod
    def of(cls, folder: Path, root: str, made: str, limit_gb: float) -> "ShardCache | None":
        """The cache of a data set; None where the limit is zero.

        Args:
            folder: Of the cache; made if it is not there.
            root: URL of the data set.
            made: Tells two data sets apart that were prepared at the same URL one after the other.
            limit_gb: Of all data sets together, in GiB.

        Raises:
            UsageError: The folder cannot be written.
        """
        if limit_gb <= 0:
            return None
        digest = hashlib.sha256(f"{root}\n{made}".encode()).hexdigest()[:16]
        cache = cls(str(folder), digest, int(limit_gb * 2**30))
        try:
            cache.home.mkdir(parents=True, exist_ok=True)
            cache.recount()
        except OSError as error:
            raise UsageError(
                f"parts of shards cannot be kept in {folder} ({error.strerror}); give another "
                f"folder, --set data.cache_dir=DIR, or keep none, --set data.shard_cache_gb=0"
            ) from error
        return cache

    @property
    def home(self) -> Path:
        """The folder of this data set."""
        return Path(self.folder) / self.name

    def get(self, name: str, size: int, fetch: Callable[[], bytes]) -> bytes:
        """A part by its name, from the disk, or from `fetch` and then kept if there is room."""
        path = self._place(name)
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        if len(data) == size:
            return data
        data = fetch()
        try:
            self._keep(path, data)
        except OSError:  # a full disk or the like: reading goes on without
            path.with_suffix(".part").unlink(missing_ok=True)
        return data

    def file(self, name: str, size: int, fetch: Callable[[Path], object]) -> Path:
        """A whole shard on the disk; the first process that needs it lets `fetch` write it.

        Raises:
            OSError: It cannot be fetched or written, or is of another size.
        """
        path = self._place(f"{name}-0-{size}")
        if _size(path) == size:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        coming = path.with_name(hashlib.sha256(path.name.encode()).hexdigest()[:16])
        with alone(coming.with_suffix(".lock")):
            if _size(path) == size:  # another process was quicker
                return path
            if not self._reserve(size - _size(path)):
                raise OSError(f"the cache of {self.limit / 2**30:.1f} GiB is full")
            try:
                fetch(coming)
                if _size(coming) != size:
                    raise OSError(f"it has {_size(coming)} bytes instead of {size}")
                coming.replace(path)
            except BaseException:
                coming.unlink(missing_ok=True)
                self._reserve(-size)
                raise
        return path

    def forget(self, name: str) -> None:
        """Throws out what is kept under a name, since it turned out to be damaged."""
        path = self._place(name)
        with self._locked():
            size = _size(path)
            path.unlink(missing_ok=True)
            self._write_count(max(self._count() - size, 0))

    def recount(self) -> int:
        """Counts the bytes anew and removes what a killed process left; gives the bytes."""
        with self._locked():
            for part in Path(self.folder).rglob("*.part"):
                part.unlink(missing_ok=True)
            used = sum(_size(path) for path in _parts(Path(self.folder)))
            self._write_count(used)
            os.utime(self.home)
            return used

    def _place(self, name: str) -> Path:
        return self.home / hashlib.sha256(name.encode()).hexdigest()[:2] / name

    def _keep(self, path: Path, data: bytes) -> None:
        if self._count() + len(data) > self.limit and not self._others():
            return  # full for good: no lock needed to see it
        with self._locked():
            if _size(path) == len(data):  # another process was quicker
                return
            # before: too high a count keeps the limit; less a file that a crash cut off
            if not self._make_room(len(data) - _size(path)):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(data)
            part.replace(path)

    def _reserve(self, size: int) -> bool:
        with self._locked():
            return self._make_room(size)

    def _make_room(self, size: int) -> bool:
        """Counts bytes that are to come, if they fit when other data sets are thrown out."""
        used = self._count()
        others = self._others() if used + size > self.limit else []
        while used + size > self.limit and others:
            used -= sum(_size(part) for part in _parts(others[0]))
            shutil.rmtree(others.pop(0))
        fits = used + size <= self.limit
        self._write_count(used + size if fits else used)
        return fits

    def _others(self) -> list[Path]:
        """Folders of other data sets, the least recently opened first."""
        folders = [
            entry
            for entry in Path(self.folder).iterdir()
            if entry.is_dir() and entry.name != self.name
        ]
        return sorted(folders, key=lambda folder: folder.stat().st_mtime)

    def _count(self) -> int:
        try:
            return int((Path(self.folder) / _COUNT).read_text() or 0)
        except (OSError, ValueError):
            return 0

    def _write_count(self, used: int) -> None:
        part = Path(self.folder) / f".{_COUNT}"
        part.write_text(str(used))
        part.replace(Path(self.folder) / _COUNT)

    def _locked(self) -> AbstractContextManager[None]:
        return alone(Path(self.folder) / _LOCK)


def _parts(folder: Path) -> Iterator[Path]:
    """Files that hold parts: two folders below the cache's, or a folder below a data set's."""
    return (path for path in folder.rglob("*-*-*") if path.is_file())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def default_folder() -> Path:
    """The user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gta" / "shards"
