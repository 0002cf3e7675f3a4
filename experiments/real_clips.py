"""A folder of real videos in a small file: some frames of each, brightened, as JPEG."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gta.data.decode import read_frames
from gta.data.formats.folder import read_folder
from gta.data.records import Video
from gta.data.sampling import segment_indices
from gta.data.transforms.clip import resize_to
from gta.errors import VideoError
from gta.files import write_atomically

NUM_FRAMES, HEIGHT, WIDTH = 32, 128, 170
_BRIGHT, _MOST = 110.0, 8.0
"""Mean grey level to which each clip is brought, and the largest factor for that."""


@dataclass(frozen=True)
class RealClips:
    """Clips of a folder for each class, on the CPU."""

    frames: torch.Tensor
    """uint8 (N, 32, 128, 170, 3)."""
    labels: torch.Tensor
    """int64 (N,)."""
    is_train: torch.Tensor
    """bool (N,), the training part of the folder's own split; all True without a split."""
    classes: list[str]
    scenes: torch.Tensor
    """int64 (N,), the scene of each clip from `labels.csv`; -1 if unknown."""


def reduce_folder(root: Path, out: Path) -> None:
    """Writes `out` (.npz) from a folder per class, as `gta.data.formats.folder` reads it.

    A file `root`/labels.csv with columns `path` and `scene` gives the scenes of the videos.
    Unreadable videos are left out and reported.
    """
    pictures, labels, is_train = list[bytes](), list[int](), list[bool]()
    where, scenes = read_scenes(root / "labels.csv"), list[str]()
    classes, videos = list_videos(root)
    for video, in_train in videos:
        try:
            small = small_frames(video.path)
        except VideoError as error:
            print(f"left out: {error}")
            continue
        pictures += [_jpeg(frame) for frame in small]
        labels.append(video.label)
        is_train.append(in_train)
        scenes.append(where.get(video.id, ""))
    arrays = {
        "pictures": np.frombuffer(b"".join(pictures), np.uint8),
        "sizes": np.array([len(picture) for picture in pictures]),
        "labels": np.array(labels),
        "is_train": np.array(is_train),
        "classes": np.array(classes),
        "scenes": np.array(scenes),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, lambda path: np.savez(path, **arrays))


def list_videos(root: Path) -> tuple[list[str], list[tuple[Video, bool]]]:
    """The classes, and each video with whether it is for training: all if there is no split."""
    train, val = (read_folder(root, split) for split in ("train", "val"))
    videos = [(video, True) for video in train.videos] + [(video, False) for video in val.videos]
    if len(Path(train.videos[0].id).parts) < 3:  # CLASS/VIDEO: held-out videos are chosen later
        videos = sorted(((video, True) for video, _ in videos), key=lambda pair: pair[0].id)
    return list(train.classes), videos


def read_scenes(path: Path) -> dict[str, str]:
    """The scene by the path of a video; empty without the file or that column."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["path"]: row.get("scene", "") for row in csv.DictReader(file)}


def small_frames(path: Path) -> np.ndarray:
    """uint8 (32, 128, 170, 3)."""
    frames = read_frames(path, lambda count: segment_indices(count, NUM_FRAMES))
    frames = resize_to(frames, HEIGHT, WIDTH).float()
    factor = min(_BRIGHT / max(float(frames.mean()), 1.0), _MOST)
    bright = (frames * max(factor, 1.0)).clamp(0, 255).to(torch.uint8)
    return bright.permute(0, 2, 3, 1).numpy()


def _jpeg(frame: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "jpeg", quality=80)
    return buffer.getvalue()


def load_real(path: Path) -> RealClips:
    """Reads a file of `reduce_folder`."""
    with np.load(path) as file:
        ends = np.cumsum(file["sizes"])
        data = file["pictures"].tobytes()
        pictures = [
            np.array(Image.open(io.BytesIO(data[end - size : end])))
            for size, end in zip(file["sizes"], ends, strict=True)
        ]
        frames = torch.from_numpy(np.stack(pictures))
        return RealClips(
            frames.unflatten(0, (-1, NUM_FRAMES)),
            torch.from_numpy(file["labels"]),
            torch.from_numpy(file["is_train"]),
            file["classes"].tolist(),
            _numbered(file["scenes"].tolist()),
        )


def grey(frames: torch.Tensor) -> torch.Tensor:
    """uint8 (T, H, W, 3) to float (T, H, W)."""
    return frames.float().mean(-1)


def _numbered(names: list[str]) -> torch.Tensor:
    """A number for each name, in their order; -1 for an empty name."""
    known = sorted(set(names) - {""})
    return torch.tensor([known.index(name) if name else -1 for name in names])
