#!/usr/bin/env bash
# PyAV and imageio: the first video stream of an animated AVIF file is a still picture, one frame.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    av==18.1.0 pillow==13.0.0 imageio==2.38.1 numpy==2.4.6

venv/bin/python - 2> messages <<'PY'
import platform
import sys

import av
import imageio
import imageio.v3 as iio
import numpy as np
from PIL import Image

print(f"PyAV {av.__version__}, imageio {imageio.__version__}, Python {platform.python_version()}")
print("Clips of eight grey frames that become lighter, 25 per second: as animated AVIF, written by")
print("Pillow and by PyAV; and the same AV1 in MP4.")
print()

frames = [np.full((64, 64, 3), 16 + 32 * i, np.uint8) for i in range(8)]
images = [Image.fromarray(frame) for frame in frames]
images[0].save("pillow.avif", save_all=True, append_images=images[1:], duration=40)
for name in ("pyav.avif", "pyav.mp4"):
    with av.open(name, "w") as container:
        stream = container.add_stream("libsvtav1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())


def grey(frame: av.VideoFrame) -> int:
    return round(float(frame.to_ndarray(format="rgb24").mean()))


seen = []
for name in ("pillow.avif", "pyav.avif", "pyav.mp4"):
    with av.open(name) as container:
        streams = [(s.index, s.frames, str(s.average_rate)) for s in container.streams.video]
        first = [grey(frame) for frame in container.decode(video=0)]
    with av.open(name) as container:
        best = [grey(frame) for frame in container.decode(container.streams.best("video"))]
    by_imageio = len(iio.imread(name, plugin="pyav"))
    print(f"{name}: streams as (index, frames, rate): {streams}")
    print(f"    decode(video=0):               {first}")
    print(f'    decode(streams.best("video")): {best}')
    print(f'    imageio.v3.imread(..., plugin="pyav"): {by_imageio} frame(s)')
    seen.append((len(streams), len(first), len(best), by_imageio))

print()
print("Expected: the eight frames in all rows, as in MP4.")
print("Seen:     an animated AVIF file has its first frame a second time, as a still picture for")
print("          readers that show no animation. It is the first video stream, which is what")
print('          decode(video=0) and imageio read; streams.best("video") is the clip.')
sys.exit(0 if seen == [(2, 1, 8, 1), (2, 1, 8, 1), (1, 8, 8, 8)] else 1)
PY
