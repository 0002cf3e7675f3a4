"""Features of the views of videos, as a frozen trunk gives them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gta.data.batch import Batch
from gta.data.records import VideoList


@dataclass(frozen=True, slots=True)
class FrozenVideo:
    """Features of one video's views, float16 (C, T, h, w), and the label of each."""

    views: list[Tensor]
    labels: list[int]

    def first(self, count: int) -> "FrozenVideo":
        """The first views alone: those of testing."""
        return FrozenVideo(self.views[:count], self.labels[:count])


@dataclass
class FrozenVideos:
    """Of the videos of one split that could be read, by their places in its list."""

    videos: VideoList
    num_test: int = 1
    """How many of a video's views, the first ones, are those of testing."""
    found: dict[int, FrozenVideo] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def batches(self, size: int, rank: int = 0, world_size: int = 1) -> Iterator[Batch]:
        """Test views (B, V, C, T, h, w) of every `world_size`-th video, in order."""
        mine = [i for i in sorted(self.found) if i % world_size == rank]
        for start in range(0, len(mine), size):
            part = mine[start : start + size]
            yield Batch(
                torch.stack([torch.stack(self.found[i].views) for i in part]),
                torch.tensor([self.found[i].labels[0] for i in part]),
                torch.tensor(part),
                [],
            )
        if rank == 0:
            empty = torch.zeros(0, dtype=torch.int64)
            yield Batch(torch.zeros(0), empty, empty, self.failures)
