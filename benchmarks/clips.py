"""Videos like those of the data sets, made here: textures that pan, zoom and pass each other.

Kinds: "ssv2" is VP9 in WebM, 240 pixels high, 12 frames a second, 2 to 6 seconds; "k400" is H.264
in MP4, 340 x 256, 30 frames a second, 10 seconds. Bit rates are near those of the real files: about
100 kB a video, and about 900 kB. "tiny" is for the memory: thousands are read in a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np


@dataclass(frozen=True)
class Kind:
    """How the videos of a data set are coded."""

    suffix: str
    codec: str
    height: int
    widths: tuple[int, ...]
    rate: int
    seconds: tuple[float, float]
    options: dict[str, str] = field(default_factory=dict)


# x264's fastest kernels may decide otherwise for the same frames where they lie elsewhere in memory
_REPEATABLE = {"x264-params": "cpu-independent=1"}

KINDS = {
    "ssv2": Kind(
        *(".webm", "libvpx-vp9", 240, (320, 426, 426, 427), 12, (2.0, 6.0)),
        {"b": "170k", "deadline": "good", "cpu-used": "4", "row-mt": "0"},
    ),
    "k400": Kind(
        *(".mp4", "libx264", 256, (340,), 30, (10.0, 10.0)),
        {"b": "750k", "preset": "medium", **_REPEATABLE},
    ),
    "tiny": Kind(
        *(".mp4", "libx264", 48, (64,), 12, (1.0, 4.0)),
        {"preset": "veryfast", **_REPEATABLE},
    ),
}


def write_clips(folder: Path, kind: str, count: int, *, seed: int = 0) -> list[Path]:
    """Writes `count` videos, each a function of (kind, seed, its number) alone."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write_clip(folder / f"{i}", kind, seed=seed + i) for i in range(count)]


def write_clip(path: Path, kind: str, *, seed: int = 0) -> Path:
    """Writes one video; the suffix of `path` is that of the kind."""
    how, rng = KINDS[kind], np.random.default_rng([seed, len(kind)])
    width = int(rng.choice(how.widths))
    num_frames = round(how.rate * rng.uniform(*how.seconds))
    path = path.with_suffix(how.suffix)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(how.codec, rate=how.rate, options=how.options)
        stream.width, stream.height, stream.pix_fmt = width, how.height, "yuv420p"
        stream.codec_context.thread_count = 1  # the same file on any machine
        for image in frames(num_frames, how.height, width, rng):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def frames(
    num_frames: int, height: int, width: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """uint8 (H, W, 3): a background that drifts as in a hand, an object before it, some noise."""
    ground, thing = texture(2 * height, 2 * width, rng), texture(height, width, rng)
    y, x = np.mgrid[:height, :width]
    speed = rng.uniform(-1, 1, 2) * (height / num_frames, width / num_frames)
    shake = np.cumsum(rng.normal(0, 0.5, (num_frames, 2)), 0)
    start, turn = rng.uniform(0.2, 0.8, 2), rng.uniform(1, 3)
    grain = rng.normal(0, 2, (8, height, width, 1))
    for i in range(num_frames):
        dy, dx = (speed * i * 0.5 + shake[i] + (height / 2, width / 2)).round().astype(int)
        image = np.roll(ground, (-dy, -dx), (0, 1))[:height, :width]
        phase = turn * 2 * np.pi * i / num_frames
        cy, cx = height * (start[0] + 0.2 * np.sin(phase)), width * (start[1] + 0.3 * np.cos(phase))
        inside = ((y - cy) / (0.2 * height)) ** 2 + ((x - cx) / (0.25 * height)) ** 2 < 1
        moved = np.roll(thing, (round(cy), round(cx)), (0, 1))
        image = np.where(inside[..., None], moved, image) + grain[i % len(grain)]
        yield image.clip(0, 255).astype(np.uint8)


def texture(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """float32 (H, W, 3) whose spectrum falls with the frequency, as that of photographs does."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    fall = 1 / np.maximum(np.hypot(fy * height, fx * width), 1) ** 1.2
    noise = rng.normal(size=(3, height, width))
    waves = np.fft.irfft2(np.fft.rfft2(noise) * fall, s=(height, width))
    waves = 0.7 * waves[:1] + 0.3 * waves  # colours vary less than brightness
    waves /= waves.std()
    return (127 + 45 * waves.transpose(1, 2, 0)).astype(np.float32)
