#!/usr/bin/env bash
# decord: of an MPEG transport stream the first frames are missing and all have other numbers.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check decord==0.6.0 av==18.1.0 numpy==2.3.4

venv/bin/python - 2> messages <<'PY'
import sys

import av
import decord
import numpy as np

print(f"decord {decord.__version__}, PyAV {av.__version__}")
print("20 grey frames, each 10 brighter than the one before; a key frame every 8 frames.")
print("The numbers of the frames, told from their grey, as PyAV and as decord read them.")
print()


def write(path, codec):
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 8
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 + 10 * i, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def numbers(frames):
    return [round((frame.mean() - 20) / 10) for frame in frames]


seen = {}
for path, codec in (("h264.mp4", "libx264"), ("h264.ts", "libx264"), ("mpeg2.mpg", "mpeg2video")):
    write(path, codec)
    with av.open(path) as container:
        right = numbers(frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
    reader = decord.VideoReader(path)
    forward = numbers(reader[i].asnumpy() for i in range(len(reader)))
    some = numbers(decord.VideoReader(path).get_batch([15, 10, 5]).asnumpy())
    seen[path] = (len(reader), forward, some)
    print(f"{path}: {len(reader)} frames")
    print(f"  PyAV, one after the other    {right}")
    print(f"  decord, one after the other  {forward}")
    print(f"  decord, get_batch([15, 10, 5])  {some}")
    assert right == list(range(20)), right

everything = list(range(20))
expected = (
    seen["h264.mp4"] == (20, everything, [15, 10, 5])
    and seen["h264.ts"][0] == 20
    and seen["h264.ts"][1][:12] == everything[8:]
    and seen["mpeg2.mpg"][:2] == (20, everything)
    and seen["mpeg2.mpg"][2] != [15, 10, 5]
)
print()
print("Expected: the frames that were asked for, or an error. The transport stream has lost its")
print("first eight frames, and the program stream gives others as soon as the order is not that")
print("of the file; nothing is raised.")
sys.exit(0 if expected else 1)
PY
