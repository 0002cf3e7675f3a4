#!/usr/bin/env bash
# PyAV: an MPEG-TS file of 2 to 5 small frames cannot be opened, one with 1 or with 6 can.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0

venv/bin/python - <<'PY'
import sys

import av

print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}")
print("MPEG-TS files (.ts) with so many frames of 64 x 64, MPEG-2, in whole packets of 188 bytes.")
print()


def write(count):
    with av.open("clip.ts", "w") as target:
        stream = target.add_stream("mpeg2video", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([10 * number]) * plane.buffer_size)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())


def read(**arguments):
    try:
        with av.open("clip.ts", **arguments) as source:
            return sum(1 for _ in source.decode(video=0))
    except Exception as error:
        return type(error).__name__


usual, named = {}, {}
for count in range(1, 9):
    write(count)
    with open("clip.ts", "rb") as file:
        packets = len(file.read()) / 188
    usual[count], named[count] = read(), read(format="mpegts")
    print(f"{count} frames, {packets:g} packets: open(path) reads {usual[count]}, "
          f"open(path, format='mpegts') reads {named[count]}")

print()
print("Expected: each file is opened, whatever its length; its ending and its content say what it is.")
refused = [count for count, result in usual.items() if result == "EOFError"]
if refused == [2, 3, 4, 5] and all(named[count] == count for count in named):
    print("Seen:     between 5 and 10 packets the file is not recognized, and the error is EOFError.")
    sys.exit(0)
print(f"This has changed: now those with {refused} frames are refused.")
sys.exit(1)
PY
