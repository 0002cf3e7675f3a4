"""Features of the views of videos, computed by a frozen trunk."""

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
        """The first views only: those of testing."""
        return FrozenVideo(self.views[:count], self.labels[:count])


@dataclass
class FrozenVideos:
    """The features of a split, for its readable videos, by their places in its list."""

    videos: VideoList
    num_test: int = 1
    """How many views of each video, from the first, are those of testing."""
    features: dict[int, FrozenVideo] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def labels(self) -> dict[int, int]:
        """The label of each video as it is seen in testing, by its place."""
        return {i: video.labels[0] for i, video in self.features.items()}

    def batches(self, size: int, rank: int = 0, world_size: int = 1) -> Iterator[Batch]:
        """Test views (B, V, C, T, h, w) of every `world_size`-th video, in order."""
        mine = [i for i in sorted(self.features) if i % world_size == rank]
        for start in range(0, len(mine), size):
            part = mine[start : start + size]
            yield Batch(
                torch.stack([torch.stack(self.features[i].views) for i in part]),
                torch.tensor([self.features[i].labels[0] for i in part]),
                torch.tensor(part),
                [],
            )
        if rank == 0:
            empty = torch.zeros(0, dtype=torch.int64)
            yield Batch(torch.zeros(0), empty, empty, self.failures)
