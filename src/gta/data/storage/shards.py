"""Shards: plain tar files whose members are read by offset, from a disk or an object storage."""

import os
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from gta.data.storage.locations import is_url
from gta.data.storage.remote import fetch, read_part
from gta.data.storage.shard_cache import ShardCache

_OPEN_FILES = 256
_HEADER = 512
"""Bytes of a tar header."""
_MAGIC = (257, b"ustar\0")
"""Where each tar header says what it is."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A tar file by its path or URL. Small: it is sent to loader processes."""

    location: str
    cache: ShardCache | None = None
    """Where parts of a remote shard are kept."""
    whole: int | None = None
    """Of a remote shard that is kept as a whole: its size in bytes."""

    def __str__(self) -> str:
        return self.location

    def read(
        self, offset: int, size: int, key: str | None = None, checksum: str | None = None
    ) -> bytes:
        """A part of the file.

        Args:
            offset: Of its first byte.
            size: In bytes.
            key: Of the sample whose file, or tar headers and pictures, this part is: a remote
                part is compared with it, since a server or a changed shard may send another part.
            checksum: Of its bytes; None: not known.

        Raises:
            OSError: It cannot be read, is shorter, or is not that sample, or not as it was written.
            UsageError: Reading remote files needs a package that is not installed.
        """
        data = self._read(offset, size, key)
        if checksum in (None, checksum_of(data)):
            return data
        if self.cache is not None:  # what was kept may be damaged, or of an earlier shard
            self.cache.forget(self._kept_as(offset, size))
            data = self._read(offset, size, key)
            if checksum_of(data) == checksum:
                return data
        raise OSError("its bytes are not those that were written (checksum); copy the shard again")

    def _read(self, offset: int, size: int, key: str | None) -> bytes:
        if not is_url(self.location):
            return _pread(self.location, offset, size)
        if self.cache is None:
            return self._fetch(offset, size, key)
        if self.whole is not None:
            file = self.cache.file(self._name, self.whole, lambda path: fetch(self.location, path))
            return _pread(str(file), offset, size)
        return self.cache.get(
            self._kept_as(offset, size), size, lambda: self._fetch(offset, size, key)
        )

    @property
    def _name(self) -> str:
        return self.location.rsplit("/", 1)[-1]

    def _kept_as(self, offset: int, size: int) -> str:
        """The name in the cache of a part, or of the whole shard."""
        part = f"{offset}-{size}" if self.whole is None else f"0-{self.whole}"
        return f"{self._name}-{part}"

    def try_parts(self) -> None:
        """Reads a few bytes, to find out whether parts of this remote file can be read.

        Raises:
            NoParts: Its server sends whole files.
            OSError: It cannot be read, or other bytes come than those asked for.
        """
        start, magic = _MAGIC
        if read_part(self.location, start, start + len(magic)) != magic:
            raise OSError("its server sends other bytes than those asked for, or it is no tar file")

    def _fetch(self, offset: int, size: int, key: str | None) -> bytes:
        if key is None:
            return read_part(self.location, offset, offset + size)
        # the header of a video file is in front of it; of pictures it is there with the first
        data = read_part(self.location, max(offset - _HEADER, 0), offset + size)
        for header in (data, data[_HEADER:]):
            if header[: len(key) + 1] == f"{key}.".encode() and header[257:].startswith(_MAGIC[1]):
                return data[-size:]
        raise OSError(
            f"other bytes came than those of {key}: its server sends other parts than those asked "
            f"for, or the shard was changed after prepared.json was made"
        )


def checksum_of(data: bytes) -> str:
    """By which a sample is known again: 64 bits of BLAKE2."""
    return blake2b(data, digest_size=8).hexdigest()


def _pread(path: str, offset: int, size: int) -> bytes:
    if not hasattr(os, "pread"):  # Windows
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(size)
    else:
        file = _handle(path, os.getpid())  # held: another thread may make it forgotten
        data = os.pread(file.fileno(), size, offset)
    if len(data) != size:
        raise OSError(f"it is shorter than its index says ({len(data)} of {size} bytes there)")
    return data


@lru_cache(maxsize=_OPEN_FILES)
def _handle(path: str, _process: int):
    return open(path, "rb", buffering=0)
