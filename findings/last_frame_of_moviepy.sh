#!/usr/bin/env bash
# moviepy: iter_frames leaves out the last frame of videos of many lengths.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    moviepy==2.2.1 imageio==2.38.1 imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6

venv/bin/python - 2> messages <<'PY'
import platform
import sys
from fractions import Fraction
from importlib.metadata import version

import av
import moviepy
import numpy as np

print(f"moviepy {version('moviepy')}, Python {platform.python_version()}")
print("Frames that show their own number as eight black or white fields, as H.264 in MP4.")
print()


def picture(number: int) -> np.ndarray:
    image = np.full((64, 64, 3), number % 120 * 2, np.uint8)
    for bit in range(8):
        image[:16, 8 * bit : 8 * bit + 8] = 255 * (number >> bit & 1)
    return image


def number(image: np.ndarray) -> int:
    return sum(int(image[8, 8 * bit + 4].mean() > 127) << bit for bit in range(8))


def write(path: str, count: int, rate: Fraction) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(i))))
        container.mux(stream.encode())


seen = []
print("    rate  frames  in iter_frames")
for count, rate in (
    (100, Fraction(25)),
    (100, Fraction(30)),
    (90, Fraction(30000, 1001)),
    (100, Fraction(30000, 1001)),
    (100, Fraction(24000, 1001)),
    (200, Fraction(60000, 1001)),
):
    write("clip.mp4", count, rate)
    with av.open("clip.mp4") as container:
        frames = [number(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert frames == list(range(count))
    clip = moviepy.VideoFileClip("clip.mp4")
    iterated = [number(image) for image in clip.iter_frames()]
    clip.close()
    assert iterated == list(range(len(iterated)))
    seen.append(len(iterated) - count)
    print(f"{float(rate):>8.4f} {count:>7} {len(iterated):>15}")

print()
print("Expected: all frames. It counts them as the length, which it reads as text of two digits")
print("after the point, times the rate, without rounding.")
sys.exit(0 if seen == [0, -1, -1, 0, -1, 0] else 1)
PY
