"""Real clips of a run's data, with labels, for checks, calibration and scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gta.data.given import find_videos
from gta.data.records import Split, Video, VideoList
from gta.data.transforms.clip import normalize
from gta.errors import DataError, VideoError
from gta.evaluation.videos import run_videos
from gta.inference import protocol_views
from gta.protocols import parse_protocol
from gta.runs import Run


@dataclass(frozen=True, slots=True)
class RealClips:
    """The first view of some videos, normalized as the network's input."""

    clips: list[Tensor]
    """(1, 3, T, H, W) each."""
    labels: list[int | None]

    def __len__(self) -> int:
        return len(self.clips)


def clips_of_data(run: Run, root: str | None, most: int, split: Split = "val") -> RealClips:
    """Clips of a run's own data set: videos spread evenly over a split.

    Raises:
        UsageError: Neither the run nor the caller names a folder.
        DataError: The folder holds no such data set, or none of its videos can be read.
    """
    videos = run_videos(run, root, split).videos
    chosen = (
        [videos[i * len(videos) // most] for i in range(most)] if len(videos) > most else videos
    )
    return _read(run, chosen)


def clips_of_videos(run: Run, paths: Sequence[Path], most: int) -> RealClips:
    """Clips of video files and folders, without labels.

    Raises:
        DataError: None of them can be read.
    """
    videos = [video for path in paths for video in find_videos(path)]
    return _read(run, [Video(str(path), path, None) for path in videos[:most]])


def _read(run: Run, videos: Sequence[Video]) -> RealClips:
    clip = run.recipe.clip
    views = protocol_views(
        VideoList([], run.classes), parse_protocol(run.recipe.test.protocol), clip
    )
    read, labels, reason = list[Tensor](), list[int | None](), "there are no videos"
    for video in videos:
        try:
            seen = views.read(video)[:1]
        except VideoError as error:
            reason = str(error)
            continue
        with torch.inference_mode(False):
            read.append(normalize(seen, clip.mean, clip.std).contiguous())
        labels.append(video.label)
    if not read:
        raise DataError(f"no clip to check the file on: {reason}")
    return RealClips(read, labels)
