"""What a prepared form gains: videos per second, as training reads them, and bytes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch

from gta.data.dataset import TrainingClips
from gta.data.decode.index import forget
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import TrainTransform

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Gain:
    """Of a few videos."""

    videos: int
    before: float
    """Videos per second on one core: 8 frames of random segments, resized, cropped to 224."""
    after: float
    bytes_before: int
    bytes_after: int

    @property
    def speed(self) -> float:
        """How many times as fast."""
        return self.after / self.before

    @property
    def size(self) -> float:
        """How many times as large."""
        return self.bytes_after / self.bytes_before

    def __str__(self) -> str:
        rates = f"{self.before:.0f} and {self.after:.0f} videos/s on a core, {self.videos} videos"
        if self.speed < 1.05:
            what = f"reading gains nothing (x{self.speed:.1f})"
        else:
            what = f"x{self.speed:.1f} faster reading"
        return f"{what} for {self.size:.1f}x the disk ({rates})"


def measure(
    before: Sequence[Video], after: Sequence[Video], bytes_before: int, bytes_after: int
) -> Gain:
    """Reads the same clips of originals and copies by turns; medians over some rounds."""
    transform = TrainTransform(size=224, resize=(240, 320))
    sets = [
        TrainingClips(
            VideoList([*videos], []), num_frames=8, transform=transform, flip="off", seed=0
        )
        for videos in (before, after)
    ]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = [[[0.0] * len(before) for _ in range(_ROUNDS + 1)] for _ in sets]
        for turn in range(_ROUNDS + 1):  # the first warms up
            for index in range(len(before)):
                for clips, measured in zip(sets, times, strict=True):
                    forget()  # as in an epoch over many videos
                    began = time.perf_counter()
                    clips[turn, index]
                    measured[turn][index] = time.perf_counter() - began
    finally:
        torch.set_num_threads(threads)
    seconds = [
        sum(median(turns[i] for turns in measured[1:]) for i in range(len(before)))
        for measured in times
    ]
    n = len(before)
    return Gain(n, n / seconds[0], n / seconds[1], bytes_before, bytes_after)
