"""Shards: plain tar files whose members are read by offset, from a disk or an object storage."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gta.errors import UsageError

from .locations import is_url, scheme
from .shard_cache import ShardCache

_WAITS = (0.5, 2.0, 8.0)
"""Seconds before a remote part is asked for again: a network has hiccups."""
_OPEN_FILES = 256


@dataclass(frozen=True, slots=True)
class Shard:
    """A tar file by its path or URL. Small: it is sent to loader processes."""

    location: str
    cache: ShardCache | None = None
    """Where parts of a remote shard are kept."""

    def __str__(self) -> str:
        return self.location

    def read(self, offset: int, size: int) -> bytes:
        """A part of the file.

        Raises:
            OSError: It cannot be read, or is shorter.
            UsageError: Reading remote files needs a package that is not installed.
        """
        if not is_url(self.location):
            return _whole(_pread(self.location, offset, size), size)
        if self.cache is None:
            return self._fetch(offset, size)
        name = f"{self.location.rsplit('/', 1)[-1]}-{offset}-{size}"
        return self.cache.get(name, size, lambda: self._fetch(offset, size))

    def _fetch(self, offset: int, size: int) -> bytes:
        return _whole(
            remote(self.location, lambda fs: fs.cat_file(self.location, offset, offset + size)),
            size,
        )


def _whole(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise OSError(f"it is shorter than its index says ({len(data)} of {size} bytes there)")
    return data


def _pread(path: str, offset: int, size: int) -> bytes:
    if not hasattr(os, "pread"):  # Windows
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)
    file = _handle(path, os.getpid())  # held: another thread may make it forgotten
    return os.pread(file.fileno(), size, offset)


@lru_cache(maxsize=_OPEN_FILES)
def _handle(path: str, _process: int):
    return open(path, "rb", buffering=0)


def remote(url: str, read: Callable[[Any], bytes]) -> bytes:
    """Calls `read` with the filesystem of a URL; tries again where the network failed.

    Raises:
        OSError: It failed each time, or there is no such file.
        UsageError: A package is missing.
    """
    for wait in (*_WAITS, None):
        try:
            return read(filesystem(scheme(url), os.getpid()))
        except (FileNotFoundError, PermissionError, UsageError):
            raise
        except Exception as error:  # each filesystem raises types of its own
            if wait is None:
                raise OSError(f"{type(error).__name__}: {error}") from error
            time.sleep(wait)
    raise AssertionError


@lru_cache
def filesystem(protocol: str, _process: int) -> Any:
    """The fsspec filesystem of a protocol, one a process: they do not survive a fork.

    Raises:
        UsageError: fsspec, or the package that it needs for the protocol, is not installed.
    """
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            f"data on {protocol}:// is read with fsspec, which is not installed: "
            f'pip install "gta-video[shards]"'
        ) from error
    try:
        return fsspec.filesystem(protocol)
    except ImportError as error:
        raise UsageError(f"data on {protocol}:// needs another package: {error}") from error
    except ValueError as error:
        raise UsageError(f"{protocol}:// is not a storage that fsspec knows: {error}") from error
