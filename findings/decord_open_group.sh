#!/usr/bin/env bash
# decord: frames next to a key frame of an open group of pictures are others once it has seeked.
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
print("48 grey frames, each 4 brighter than the one before, as H.265 in MP4 with what x265 does")
print("unless it is told otherwise (open groups of pictures), and with closed ones.")
print()
COUNT = 48


def write(path, parameters):
    with av.open(path, "w") as container:
        options = {"x265-params": parameters}
        stream = container.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 12
        for i in range(COUNT):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 + 4 * i, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def numbers(frames):
    return [round((frame.mean() - 20) / 4) for frame in frames]


wrong = {}
for name, parameters in (("open", "log-level=error"), ("closed", "log-level=error:open-gop=0")):
    path = f"{name}.mp4"
    write(path, parameters)
    with av.open(path) as container:
        right = numbers(frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
    assert right == list(range(COUNT)), right
    forward = numbers(decord.VideoReader(path).get_batch(range(COUNT)).asnumpy())
    single = [numbers(decord.VideoReader(path).get_batch([i]).asnumpy())[0] for i in range(COUNT)]
    wrong[name] = {i: got for i, got in enumerate(single) if got != i}
    print(f"{name} groups: all frames in one batch {'right' if forward == right else forward};")
    print(f"  one frame at a time, frame asked for: frame given  {wrong[name] or 'all right'}")
    assert forward == right

print()
print("Expected: frame i, however it is asked for.")
sys.exit(0 if wrong["open"] and not wrong["closed"] else 1)
PY
