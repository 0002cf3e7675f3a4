#!/usr/bin/env bash
# imageio: the frame of a number is another one in AVI, MPEG and FLV files; in a row they are right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio==2.38.1 av==18.1.0 numpy==2.4.6

venv/bin/python - 2> messages <<'PY'
import platform
import sys

import av
import imageio
import imageio.v3 as iio
import numpy as np

print(f"imageio {imageio.__version__} (plugin pyav), PyAV {av.__version__}, Python", end=" ")
print(platform.python_version())
print("60 frames of 25 a second that show their own number as eight black or white fields, in seven")
print("containers: all frames in a row by imiter, and every seventh by imread(path, index=i).")
print()
COUNT = 60
ASKED = list(range(0, COUNT, 7))


def picture(number: int) -> np.ndarray:
    image = np.full((64, 64, 3), 2 * number, np.uint8)
    for bit in range(8):
        image[:16, 8 * bit : 8 * bit + 8] = 255 * (number >> bit & 1)
    return image


def number(image: np.ndarray) -> int:
    return sum(int(image[8, 8 * bit + 4].mean() > 127) << bit for bit in range(8))


def write(path: str, codec: str, options: dict[str, str]) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(COUNT):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(i))))
        container.mux(stream.encode())


wrong = {}
for path, codec, options in (
    ("h264.mp4", "libx264", {}),
    ("h264.mkv", "libx264", {}),
    ("vp9.webm", "libvpx-vp9", {}),
    ("h264.avi", "libx264", {}),
    ("mpeg4.avi", "mpeg4", {"bf": "2"}),
    ("mpeg2.mpg", "mpeg2video", {"bf": "2"}),
    ("h264.flv", "libx264", {}),
):
    write(path, codec, options)
    in_a_row = [number(image) for image in iio.imiter(path, plugin="pyav")]
    assert in_a_row == list(range(COUNT)), (path, in_a_row)
    given = [number(iio.imread(path, index=i, plugin="pyav")) for i in ASKED]
    wrong[path] = given != ASKED
    print(f"{path:9}  asked {ASKED}")
    print(f"{'':9}  given {given if wrong[path] else 'the same'}")

print()
print("Expected: imread(path, index=i) is the i-th of imiter(path), in every container.")
expected = {path: path[-3:] in ("avi", "mpg", "flv") for path in wrong}
sys.exit(0 if wrong == expected else 1)
PY
