"""Tiny real videos, written where a test needs them; the gray value of a frame tells its index."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

torch.set_num_threads(1)

STEP = 6  # gray values of neighboring frames, far enough apart to survive coding


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """Writes frames of one gray value each: frame i is `10 + 6 * i` unless `values` says."""

    def write(
        path: Path,
        num_frames: int = 12,
        *,
        codec: str = "libx264",
        height: int = 48,
        width: int = 64,
        gop: int = 4,
        pix_fmt: str = "yuv420p",
        options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
        times: Sequence[int] | None = None,
        images: np.ndarray | None = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", options=container_options or {}) as container:
            stream = container.add_stream(codec, rate=12, options=options or {})
            stream.height, stream.width, stream.pix_fmt = height, width, pix_fmt
            stream.gop_size = gop
            stream.time_base = Fraction(1, 12)
            stream.codec_context.time_base = Fraction(1, 12)
            if images is None:
                gray = 10 + STEP * np.arange(num_frames, dtype=np.uint8)
                images = np.broadcast_to(gray[:, None, None, None], (num_frames, height, width, 3))
            for i, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts = i if times is None else times[i]
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope="session")
def write_pictures() -> Callable[..., Path]:
    """Writes a folder of JPEG frames with the same gray values."""

    def write(
        folder: Path, num_frames: int = 12, *, height: int = 48, width: int = 64, name="{:05d}.jpg"
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(num_frames):
            image = np.full((height, width, 3), 10 + STEP * i, np.uint8)
            Image.fromarray(image).save(folder / name.format(i + 1))
        return folder

    return write


@pytest.fixture(scope="session")
def frame_numbers() -> Callable[[torch.Tensor], list[int]]:
    """Reads the indices back from frames (T, C, H, W)."""

    def numbers(frames: torch.Tensor) -> list[int]:
        gray = frames.float().mean(dim=(1, 2, 3))
        return [round((value - 10) / STEP) for value in gray.tolist()]

    return numbers
