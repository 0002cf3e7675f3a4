"""Files at URLs, whole or by part: fsspec's storages, with what goes wrong told apart.

A network fails and is asked again. A server may refuse, or have no such file: asking again does not
help. A server may not know parts of files ("Range") and send the whole file for each: that is found
out before its content is read.
"""

import os
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from gta.data.storage.locations import scheme
from gta.errors import UsageError
from gta.network import unreachable

_WAITS = (0.5, 2.0, 8.0)
"""Seconds before a remote file is asked for again: a network has hiccups."""
_SILENCE = 30.0
"""Seconds without a byte after which a web server counts as stalled."""
_CONNECTION = 8.0
"""Seconds for a connection."""
_BUSY = (408, 425, 429)
"""Of the answers that refuse, those that mean: later."""
_WEB = ("http", "https")

T = TypeVar("T")


class NoParts(OSError):
    """The server sends whole files, or too much of them, where parts are asked for."""


def read_all(url: str) -> bytes:
    """A whole file: the first of a server, which has some seconds for an answer.

    Raises:
        OSError: It cannot be read, there is none, or its server does not answer.
        UsageError: A package is missing.
    """
    silent = unreachable(url) if scheme(url) in _WEB and "::" not in url else None
    if silent is not None:
        raise OSError(silent)
    return _tried(url, lambda storage, path: storage.cat_file(path))


def read_part(url: str, start: int, end: int) -> bytes:
    """The bytes from `start` up to `end`.

    Raises:
        NoParts: The server would send the whole file.
        OSError: They cannot be read, or the file is shorter.
        UsageError: A package is missing.
    """

    def read(storage: Any, path: str) -> bytes:
        if scheme(url) in _WEB and "::" not in url:
            # `cat_file` would read all that the server sends; this looks at the answer first
            with storage.open(path, "rb", size=end, cache_type="none") as file:
                file.seek(start)
                try:
                    data = file.read(end - start)
                except ValueError as error:
                    raise NoParts("its server sends whole files and no parts of them") from error
        else:
            data = storage.cat_file(path, start=start, end=end)
        if len(data) > end - start:
            raise NoParts(f"its server sends {len(data)} bytes where {end - start} are asked for")
        if len(data) < end - start:
            count = f"{len(data)} of {end - start} bytes"
            raise OSError(f"it is shorter than its index says, or was cut off ({count} came)")
        return data

    return _tried(url, read)


def fetch(url: str, target: Path) -> None:
    """Writes a whole file to the disk.

    Raises:
        OSError: It cannot be read, there is none, or the disk is full.
        UsageError: A package is missing.
    """
    _tried(url, lambda storage, path: storage.get_file(path, str(target)))


def _tried(url: str, read: Callable[[Any, str], T]) -> T:
    """Calls `read` with the storage of a URL and the path there; again where the network failed."""
    stalled = False
    for wait in (*_WAITS, None):
        try:
            first, separator, rest = url.partition("::")
            if not separator:
                return read(filesystem(scheme(url), os.getpid()), url)
            archive = f"{first.split('://')[0]}://::{rest}"
            return read(filesystem(archive, os.getpid()), first.split("://", 1)[1])
        except (FileNotFoundError, PermissionError, UsageError, NoParts):
            raise
        except Exception as error:  # each filesystem raises types of its own
            status = getattr(error, "status", None)
            if status == 404:
                raise FileNotFoundError(2, "No such file or directory", url) from error
            if isinstance(status, int) and 400 <= status < 500 and status not in _BUSY:
                text = f"its server refuses it ({status} {getattr(error, 'message', '')})"
                raise OSError(text) from error
            if isinstance(error, TimeoutError):
                if stalled:
                    raise OSError(f"its server sends nothing for {_SILENCE:g} s") from error
                stalled = True
            if wait is None:
                told = isinstance(error, OSError) and type(error) is OSError
                text = str(error) if told else f"{type(error).__name__}: {error}"
                raise OSError(text) from error
            time.sleep(wait)
    raise AssertionError


@lru_cache
def filesystem(protocol: str, _process: int) -> Any:
    """The filesystem of a protocol or a chain. Each process has its own: none survives a fork.

    Raises:
        UsageError: fsspec, or the package that it needs for the protocol, is not installed.
    """
    name = protocol.split("://")[0]
    try:
        import fsspec
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(
            f"data on {name}:// is read with fsspec, which is not installed: "
            f'pip install "gta-video[shards]"'
        ) from error
    try:
        if "::" in protocol:
            return url_to_fs(protocol)[0]
        return fsspec.filesystem(protocol, **_options(protocol))
    except ImportError as error:
        raise UsageError(
            f"data on {name}:// needs another package: {error}"
            + (': pip install "gta-video[shards]"' if name in _WEB else "")
        ) from error
    except ValueError as error:
        raise UsageError(f"{name}:// is not a storage that fsspec knows: {error}") from error


def _options(protocol: str) -> dict[str, Any]:
    """A download of any length is fine as long as bytes come; fsspec ends it after 5 minutes."""
    if protocol not in _WEB:
        return {}
    import aiohttp  # pyright: ignore[reportMissingImports]
    from fsspec.config import conf

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTION, sock_read=_SILENCE)
    given = conf.get(protocol, {}).get("client_kwargs", {})
    return {"client_kwargs": {"timeout": timeout, **given}}
