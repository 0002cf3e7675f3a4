"""What one video is, found by really decoding some of it."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from gta.errors import VideoError

from .decode import announced_frames, count_frames, read_frames
from .records import Video
from .sampling import segment_indices
from .sources import Member, Source, Unreadable

_PIECE = 2**16
"""Bytes of a file that are compared at first: at its start, middle and end."""
_LOOKS = 4
"""Frames that are decoded, spread over the video, beside the last."""
_AT_ONCE = 32
"""Frames in memory."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about a video."""

    video: Video
    num_frames: int = 0
    announced: int | None = None
    """The number of frames that follows from the file's header, where it tells a duration."""
    height: int = 0
    width: int = 0
    fingerprint: str = ""
    """Equal for files of equal content, and hardly ever for others."""
    problem: str | None = None
    """Why it cannot be read."""


def inspect_video(video: Video, *, thorough: bool = False) -> Facts:
    """Counts the frames of a video and decodes the last and a few others, or all of them."""
    try:
        n = count_frames(video.path)
        looks = range(n) if thorough else sorted({*segment_indices(n, _LOOKS), n - 1})
        height, width = 0, 0
        for start in range(0, len(looks), _AT_ONCE):
            height, width = read_frames(video.path, looks[start : start + _AT_ONCE]).shape[-2:]
        announced = announced_frames(video.path)
    except VideoError as error:
        return Facts(video, problem=error.reason)
    return Facts(video, n, announced, height, width, fingerprint(video.path))


def fingerprint(path: Source) -> str:
    """Of a file's size and three pieces of it; of a folder, of its first and last picture."""
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(path, Unreadable):
        return ""
    if isinstance(path, Member):
        _add(digest, BytesIO(path.read()), path.size)
        return digest.hexdigest()
    files = [path]
    if path.is_dir():
        pictures = sorted(entry for entry in path.iterdir() if entry.is_file())
        digest.update(str(len(pictures)).encode())
        files = [pictures[0], pictures[-1]]
    for file in files:
        with file.open("rb") as handle:
            _add(digest, handle, file.stat().st_size)
    return digest.hexdigest()


def _add(digest, handle: BinaryIO, size: int) -> None:
    digest.update(str(size).encode())
    for start in sorted({0, max(size // 2 - _PIECE, 0), max(size - _PIECE, 0)}):
        handle.seek(start)
        digest.update(handle.read(_PIECE))
