"""What a data set is to the rest of the package: a list of videos and the names of its classes."""

from dataclasses import dataclass
from typing import Literal

from gta.data.storage.sources import Source

Split = Literal["train", "val", "test"]


@dataclass(frozen=True, slots=True)
class Video:
    """One video and its label."""

    id: str
    """Unique in its list: the data set's own id, or the path relative to the root."""
    path: Source
    """A video file, a folder of JPEG or PNG frames, or a part of a shard."""
    label: int | None
    num_frames: int | None = None
    """None: read from the file when it is opened."""
    flippable: bool = True
    """Whether its mirror image has the same label; decided from the class names."""
    fps: float | None = None
    """Frames per second; None: read from the file where it is needed."""


@dataclass(frozen=True, slots=True)
class VideoList:
    """Videos of one split, in the order of their annotation."""

    videos: list[Video]
    classes: list[str]
    """`classes[label]` is the name of a label."""
    missing: tuple[str, ...] = ()
    """Ids that the annotation names and the disk lacks, where that is usual (Kinetics)."""
    notes: tuple[str, ...] = ()
    """How the annotation was read, where a person may want to know: a sentence each."""

    def __len__(self) -> int:
        return len(self.videos)
