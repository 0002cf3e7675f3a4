"""From a video to the inputs of the page: a clip as the model sees it, and windows over time."""

import time
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from gta.data.dataset import ViewClips
from gta.data.decode import count_frames, frame_rate, read_frames
from gta.data.records import Video
from gta.data.storage.sources import Source
from gta.data.transforms.clip import resize_frames, stacked
from gta.errors import VideoError

WINDOWS = 12
"""Number of windows over a video; a short video has fewer."""
_SHARE = 0.25
"""Share of a video that a window covers, but at least the frames of a clip."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Clips in order of time."""

    views: Tensor
    """uint8 (W, C, T, H, W')."""
    times: list[float]
    """The middle of each, as a share of the video."""


class Deadline:
    """Ends work that takes too long, at its next check."""

    def __init__(self, path: Source, seconds: float):
        self.path, self.seconds = path, seconds
        self.over = time.monotonic() + seconds

    def check(self) -> None:
        """Raises VideoError once the time is over."""
        if time.monotonic() > self.over:
            raise VideoError(str(self.path), f"takes longer than {self.seconds:g} seconds to read")


def read_views(views: ViewClips, path: Source, deadline: Deadline) -> Tensor:
    """The views of a video, as `gta predict` takes them: uint8 (V, C, T, H, W).

    Raises:
        VideoError: It cannot be read in time.
    """
    deadline.check()
    clips = views.read(Video(str(path), path, None))
    deadline.check()
    return clips


def read_windows(views: ViewClips, path: Source, deadline: Deadline) -> Windows:
    """Clips from windows that overlap, from the beginning of a video to its end.

    Raises:
        VideoError: It cannot be read in time.
    """
    total, T = count_frames(path), views.num_frames
    deadline.check()
    length = min(total, max(T, round(_SHARE * total)))
    count = 1 if length == total else min(WINDOWS, total - length + 1)
    starts = np.linspace(0, total - length, count).round().astype(int).tolist()
    fps = frame_rate(path) if views.sampling.by_time else None
    indices = [
        min(total - 1, start + i)
        for start in starts
        for i in views.sampling(length, T, fps=fps, view=0, num_views=1)
    ]

    def smaller(frame: Tensor) -> Tensor:
        deadline.check()
        return resize_frames(frame, views.transform.resize)

    frames = read_frames(path, indices, change=smaller)
    clips = stacked([views.transform(clip, 0) for clip in frames.split(T)])
    return Windows(clips, [(start + length / 2) / total for start in starts])
