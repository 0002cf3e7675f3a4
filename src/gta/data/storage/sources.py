"""Where a video is: a file, a folder of pictures, a part of a shard, or unreadable."""

from dataclasses import dataclass
from pathlib import Path

from gta.data.storage.shards import Shard
from gta.errors import VideoError


@dataclass(frozen=True, slots=True)
class Member:
    """One video inside of a shard: a video file, or the pictures that follow each other there."""

    shard: Shard
    key: str
    """The name of its members in the shard, up to the first dot."""
    offset: int
    """Of the file's first byte; of pictures, of the header of the first."""
    size: int
    """In bytes; of pictures, with the headers between them."""
    pictures: bool = False
    checksum: str | None = None
    """Of its bytes; shards of earlier versions have none."""

    def __str__(self) -> str:
        return f"{self.shard}: {self.key}"

    def read(self) -> bytes:
        """All its bytes.

        Raises:
            VideoError: The shard cannot be read.
        """
        try:
            return self.shard.read(self.offset, self.size, self.key, self.checksum)
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise VideoError(str(self), f"its shard cannot be read: {reason}") from error


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A video that could not be read when its data set was prepared."""

    name: str
    reason: str

    def __str__(self) -> str:
        return self.name


Readable = Path | Member
Source = Readable | Unreadable
