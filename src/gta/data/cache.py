"""Decoded frames in memory: small data sets are decoded once, not every epoch."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gta.data.decode import cut_off, decoded_bytes, read_frames
from gta.data.records import Video, VideoList
from gta.data.storage.sources import Source
from gta.data.transforms.clip import Resize, resize_frames
from gta.errors import VideoError

# A few big tensors, not one for each video: loader processes share them at no cost when they are
# forked, and with one file descriptor each when they are spawned.
_CHUNK_BYTES = 2**28


@dataclass(frozen=True, slots=True)
class _Place:
    chunk: int
    offset: int
    shape: tuple[int, int, int, int]


class FrameCache:
    """Whole videos as uint8 frames, resized as the transforms would first resize them."""

    def __init__(self, *, limit_gb: float, resize: Resize):
        self.resize = resize
        self.bytes = 0
        """Of the frames held."""
        self.cut_off: dict[Source, str] = {}
        """Of videos whose file ends before its end: what of it is there."""
        self._limit = int(limit_gb * 2**30)
        self._chunks: list[Tensor] = []
        self._places: dict[Source, _Place] = {}
        self._free = 0  # bytes left in the last chunk

    @classmethod
    def fill(
        cls,
        videos: VideoList,
        *,
        limit_gb: float,
        resize: Resize,
        workers: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> "FrameCache":
        """Decodes videos in their order until the next video would not fit.

        What does not fit is read from its file as before; so is a video of more than 256 MiB of
        frames. A video that cannot be read fails again when it is needed, and is counted there.

        Args:
            videos: What to hold.
            limit_gb: Most memory to use, in GiB.
            resize: The `resize` of the transform that will use the frames.
            workers: Decoding threads; 0 decodes in the caller's.
            progress: Called with (videos done, videos in all).
        """
        cache = cls(limit_gb=limit_gb, resize=resize)
        for done, (video, frames) in enumerate(_decoded(videos, resize, workers), start=1):
            if frames is not None:
                if not cache._add(video, frames):
                    break
                if what := cut_off(video.path):
                    cache.cut_off[video.path] = what
            if progress is not None:
                progress(done, len(videos))
        return cache

    @property
    def num_cached(self) -> int:
        """Videos held."""
        return len(self._places)

    @property
    def unshared_bytes(self) -> int:
        """Of the tensors that are not in shared memory yet, where loader processes need them."""
        return sum(len(chunk) for chunk in self._chunks if not chunk.is_shared())

    def num_frames(self, video: Video) -> int | None:
        """The number of frames of a video that is held, else None."""
        place = self._places.get(video.path)
        return place.shape[0] if place else None

    def read(self, video: Video, indices: Sequence[int]) -> Tensor | None:
        """Frames (T, 3, H, W) as `resize_frames(read_frames(...))` gives them; None: not held."""
        place = self._places.get(video.path)
        if place is None:
            return None
        num_bytes = torch.Size(place.shape).numel()
        stored = self._chunks[place.chunk][place.offset : place.offset + num_bytes]
        return stored.view(place.shape)[list(indices)].permute(0, 3, 1, 2)

    def _add(self, video: Video, frames: Tensor) -> bool:
        num_bytes = frames.numel()
        if num_bytes > self._free:
            size = min(max(_CHUNK_BYTES, num_bytes), self._limit - self._reserved())
            if size < num_bytes:
                return False
            self._chunks.append(torch.empty(size, dtype=torch.uint8))
            self._free = size
        chunk = self._chunks[-1]
        offset = len(chunk) - self._free
        # in memory as a decoder gives them: (T, H, W, C)
        chunk[offset : offset + num_bytes] = frames.permute(0, 2, 3, 1).reshape(-1)
        T, C, H, W = frames.shape
        self._places[video.path] = _Place(len(self._chunks) - 1, offset, (T, H, W, C))
        self._free -= num_bytes
        self.bytes += num_bytes
        return True

    def _reserved(self) -> int:
        return sum(len(chunk) for chunk in self._chunks)


def _decoded(
    videos: VideoList, resize: Resize, workers: int
) -> Iterator[tuple[Video, Tensor | None]]:
    """Videos in order with their frames; a few are decoded ahead.

    Threads: decoding leaves Python's lock, and processes would have to send the frames.
    """
    if workers == 0:
        yield from ((video, _decode(video, resize)) for video in videos.videos)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead = deque[tuple[Video, Future[Tensor | None]]]()
        for video in videos.videos:
            ahead.append((video, pool.submit(_decode, video, resize)))
            if len(ahead) > 2 * workers:
                done, frames = ahead.popleft()
                yield done, frames.result()
        for done, frames in ahead:
            yield done, frames.result()


def _decode(video: Video, resize: Resize) -> Tensor | None:
    try:
        if decoded_bytes(video.path) > _CHUNK_BYTES:
            return None
        return read_frames(video.path, change=partial(resize_frames, resize=resize))
    except VideoError:
        return None
