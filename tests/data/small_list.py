"""Seven short videos of two classes, and clips of them for training."""

from collections.abc import Callable
from pathlib import Path

from gta.data.dataset import TrainingClips
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import TrainTransform


def seven_videos(folder: Path, write_video: Callable[..., Path]) -> VideoList:
    """Of 9 to 15 frames, written into the folder."""
    paths = [write_video(folder / f"{i}.mp4", 9 + i) for i in range(7)]
    return VideoList([Video(p.name, p, i % 2) for i, p in enumerate(paths)], ["a", "b"])


def clips(videos: VideoList) -> TrainingClips:
    """Four frames each, of 16 pixels."""
    transform = TrainTransform(size=16, resize=(24, 32))
    return TrainingClips(videos, num_frames=4, transform=transform, flip="skip", seed=3)
