"""What a video is, by really decoding some of it."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from threading import Event

from gta.data.decode import count_frames, each_frame, has_pictures, read_frames, readable
from gta.data.decode.ends import missing_end
from gta.data.decode.pictures import list_pictures
from gta.data.records import Video
from gta.data.sampling import segment_indices
from gta.data.storage.sources import Member, Source, Unreadable
from gta.errors import VideoError

_LOOKS = 4
"""Frames that are decoded, spread over the video, beside the last."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about a video."""

    video: Video
    num_frames: int = 0
    height: int = 0
    width: int = 0
    looks: str = ""
    """A hash of the size, the number of frames and some of them: equal for equal videos."""
    cut_off: str | None = None
    """What of the file is there, where its end is missing."""
    problem: str | None = None
    """Why it cannot be read."""


def inspect_video(video: Video, *, thorough: bool = False, stop: Event | None = None) -> Facts:
    """Counts the frames of a video and decodes the last and a few others, or all of them.

    Args:
        video: Which.
        thorough: Decode all frames.
        stop: Once set, the work ends within a frame, and its result is worth nothing.
    """
    try:
        n = count_frames(video.path)
        frames = read_frames(video.path, sorted({*segment_indices(n, _LOOKS), n - 1}))
        if thorough:
            for _ in each_frame(video.path):
                if stop is not None and stop.is_set():
                    break
        cut = _missing_end(video.path)
    except VideoError as error:
        return Facts(video, problem=error.reason + _lost(video.path))
    except OSError as error:  # between two openings of the file
        return Facts(video, problem=error.strerror or str(error))
    height, width = frames.shape[-2:]
    digest = hashlib.blake2b(f"{n} {height} {width}".encode(), digest_size=16)
    digest.update(frames.permute(0, 2, 3, 1).numpy().tobytes())
    return Facts(video, n, height, width, digest.hexdigest(), cut)


def _lost(path: Source) -> str:
    """How much of a file that cannot be read is there, if its end is missing."""
    try:
        cut = _missing_end(path)
    except (VideoError, OSError):
        return ""
    return f" ({cut}{' are there' * cut.endswith('bytes')})" if cut else ""


def _missing_end(path: Source) -> str | None:
    place = readable(path)
    if has_pictures(place):
        return None
    if isinstance(place, Member):
        return missing_end(BytesIO(place.read()), place.size)
    with place.open("rb") as file:
        return missing_end(file, place.stat().st_size)


def all_frames(path: Source) -> str:
    """A hash of every frame, which is equal for equal videos alone, whatever file they are in.

    Raises:
        VideoError: A frame cannot be decoded.
    """
    digest = hashlib.blake2b(digest_size=32)
    for image in each_frame(path):
        digest.update(image.tobytes())
    return digest.hexdigest()


def all_bytes(path: Source) -> str:
    """A hash of a video file's bytes or of a folder's pictures; "" where it cannot tell."""
    if isinstance(path, Unreadable) or (isinstance(path, Member) and path.pictures):
        return ""
    if isinstance(path, Member):
        return hashlib.blake2b(path.read(), digest_size=32).hexdigest()
    digest = hashlib.blake2b(digest_size=32)
    files = list_pictures(path) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "blake2b").digest())
    return digest.hexdigest()
