#!/usr/bin/env bash
# PyAV: `frame.rotation` cannot tell a mirrored video from a turned one, or from a plain one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0

venv/bin/python - <<'PY'
import struct
import sys

import av
from av.sidedata.sidedata import Type

print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}")
print("One MP4 file, with each of eight display matrices in its track header (ISO/IEC 14496-12).")
print()
ONE = 1 << 16
MATRICES = {  # a, b, c, d: a stored (x, y) is shown at (a x + c y, b x + d y), y downwards
    "as stored": (ONE, 0, 0, ONE),
    "left and right swapped": (-ONE, 0, 0, ONE),
    "top and bottom swapped": (ONE, 0, 0, -ONE),
    "half a turn": (-ONE, 0, 0, -ONE),
    "a quarter turn right": (0, ONE, -ONE, 0),
    "rows and columns swapped": (0, ONE, ONE, 0),
    "a quarter turn left": (0, -ONE, ONE, 0),
    "the same, other diagonal": (0, -ONE, -ONE, 0),
}


def packed(order, a, b, c, d):
    return struct.pack(f"{order}9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)


with av.open("plain.mp4", "w") as target:
    stream = target.add_stream("mpeg4", rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for _ in range(3):
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        target.mux(stream.encode(frame))
    target.mux(stream.encode())
with open("plain.mp4", "rb") as file:
    data = file.read()
place = data.index(packed(">", ONE, 0, 0, ONE), data.index(b"tkhd"))

rotations = {}
for name, matrix in MATRICES.items():
    with open("turned.mp4", "wb") as file:
        file.write(data[:place] + packed(">", *matrix) + data[place + 36 :])
    with av.open("turned.mp4") as source:
        frame = next(source.decode(video=0))
    if name != "as stored":  # FFmpeg has read the matrix
        assert bytes(frame.side_data[Type.DISPLAYMATRIX])[:36] == packed("=", *matrix), name
    rotations[name] = frame.rotation
    print(f"{name:25} frame.rotation = {frame.rotation}")

print()
print("Expected: an error, None or a number of its own where the matrix is not a rotation.")
as_described = (
    abs(rotations["left and right swapped"]) == abs(rotations["half a turn"]) == 180
    and rotations["top and bottom swapped"] == rotations["as stored"] == 0
    and rotations["rows and columns swapped"] == rotations["a quarter turn right"] != 0
    and rotations["the same, other diagonal"] == rotations["a quarter turn left"] != 0
)
if as_described:
    print("Seen:     each mirrored picture has the number of one that is not; turned by it, one")
    print("          that is swapped left to right is shown upside down.")
    sys.exit(0)
print("This has changed: mirrored pictures can be told from turned ones.")
sys.exit(1)
PY
