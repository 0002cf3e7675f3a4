"""A folder of real videos made small: so many frames of each, brightened, as JPEG in one file."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gta.data.decode import read_frames
from gta.data.resize import resize_to
from gta.data.sampling import segment_indices

NUM_FRAMES, HEIGHT, WIDTH = 32, 128, 170
_BRIGHT, _MOST = 110.0, 8.0
"""Mean grey level that each clip is brought to, and the largest factor for that."""


@dataclass(frozen=True)
class RealClips:
    """Clips of a folder for each class, on the CPU."""

    frames: torch.Tensor
    """uint8 (N, 32, 128, 170, 3)."""
    labels: torch.Tensor
    """int64 (N,)."""
    is_train: torch.Tensor
    """bool (N,), of the split that came with the folder; all True without one."""
    classes: list[str]


def reduce_folder(root: Path, out: Path) -> None:
    """Writes `out` (.npz) from `root`/CLASS/VIDEO or `root`/{train,val}/CLASS/VIDEO."""
    splits = [root / "train", root / "val"] if (root / "train").is_dir() else [root]
    classes = sorted(path.name for path in splits[0].iterdir() if path.is_dir())
    pictures, labels, is_train = list[bytes](), list[int](), list[bool]()
    for split in splits:
        for label, name in enumerate(classes):
            for path in sorted((split / name).iterdir()):
                pictures += [_jpeg(frame) for frame in _small(path)]
                labels.append(label)
                is_train.append(split == splits[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        out,
        pictures=np.frombuffer(b"".join(pictures), np.uint8),
        sizes=np.array([len(picture) for picture in pictures]),
        labels=np.array(labels),
        is_train=np.array(is_train),
        classes=np.array(classes),
    )


def _small(path: Path) -> np.ndarray:
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
    """What `reduce_folder` has written."""
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
        )
