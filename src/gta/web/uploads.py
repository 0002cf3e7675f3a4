"""Uploads: files that exist while a request is answered, within limits."""

import asyncio
import errno
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request

from gta.web.refusals import Refused


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a request."""

    bytes: int = 64 * 2**20
    """Most bytes of a video."""
    seconds: float = 30.0
    """Most seconds to arrive, and as many again to be read."""
    waiting: int = 4
    """Most videos at a time, including the video under work; more are refused."""
    space: int = 2**30
    """Most bytes on the disk at a time, of all requests."""

    @property
    def too_large(self) -> Refused:
        """The answer to a larger body."""
        return Refused(413, f"a video may have {self.bytes / 2**20:g} MB here, and this has more")


class Incoming:
    """The body of one request, as files whose names are not the client's.

    Args:
        uploads: The folder, with its limits.
        place: A path of this request only; the names of its files begin with it.
    """

    def __init__(self, uploads: "Uploads", place: Path):
        self.uploads, self.place = uploads, place
        self.files, self.size = list[Path](), 0
        self._open: BinaryIO | None = None

    def begin(self) -> None:
        """Begins a file.

        Raises:
            Refused: There is no room for it.
        """
        self.end()
        path = self.place.with_name(f"{self.place.name}-{len(self.files):05}")
        self.files.append(path)
        with _room():
            self._open = path.open("xb", buffering=0)

    def write(self, chunk: bytes | memoryview) -> None:
        """Adds to the file.

        Raises:
            Refused: The body is too large, or there is no room for it.
        """
        assert self._open is not None
        uploads, size = self.uploads, len(chunk)
        if self.size + size > uploads.limits.bytes:
            raise uploads.limits.too_large
        if uploads.held + size > uploads.limits.space:
            raise Refused(429, "the room for uploads is full; try again", retry_after=1)
        self.size += size
        uploads.held += size
        with _room():
            self._open.write(chunk)

    def end(self) -> None:
        """Ends the file."""
        if self._open is not None:
            self._open.close()

    def as_folder(self, endings: Sequence[str]) -> Path:
        """A folder with its files, each with its ending."""
        self.place.mkdir()
        moved = [self.place / f"{i:05}{ending}" for i, ending in enumerate(endings)]
        for path, new in zip(self.files, moved, strict=True):
            path.rename(new)
        self.files = moved
        return self.place

    def remove(self) -> None:
        """Removes its files."""
        self.end()
        self.uploads.held -= self.size
        for path in self.files:
            path.unlink(missing_ok=True)
        if self.place.is_dir():
            shutil.rmtree(self.place, ignore_errors=True)


@contextmanager
def _room() -> Iterator[None]:
    """Turns a lack of room on this machine into a refusal."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
            raise
        raise Refused(507, f"this server has no room for it: {error.strerror}") from error


class Uploads:
    """The folder of uploads; empty unless requests are being answered.

    Args:
        folder: A folder of this server only.
        limits: Limits of requests.
    """

    def __init__(self, folder: Path, limits: Limits):
        self.folder, self.limits = folder, limits
        self.held, self.arriving = 0, 0
        self._numbers = count()

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Room for a body; its files are removed afterwards."""
        body = Incoming(self, self.folder / f"{next(self._numbers):08}")
        try:
            yield body
        finally:
            body.remove()

    async def receive(self, request: Request, take: Callable[[bytes], object]) -> None:
        """Passes each piece of a body to `take` as it arrives.

        Raises:
            Refused: It is empty or too large, by its Content-Length or in fact.
            TimeoutError: It does not arrive in time.
            ClientDisconnect: The client has disconnected.
        """
        limit, size = self.limits.bytes, 0
        if int(request.headers.get("content-length", "0") or "0") > limit + OVERHEAD:
            raise self.limits.too_large
        self.arriving += 1
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > limit + OVERHEAD:
                        raise self.limits.too_large
                    take(chunk)
        finally:
            self.arriving -= 1
        if not size:
            raise Refused(422, "the file is empty")


OVERHEAD = 2**16
"""Bytes of a body besides its files: the headers of its parts."""
