#!/usr/bin/env bash
# PyAV and FFmpeg: of numbered pictures of which one is missing, the clip ends before it without an
# error, if its number is one of a few; if it is another, there is an error.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

venv/bin/python - 2> messages <<'PY'
import sys
from pathlib import Path

import av
import numpy as np

COUNT = 100
FRAMES = "%05d.png"
print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}")
print(f"{COUNT} grey frames as pictures, 00001.png to 00100.png, opened as {FRAMES!r}: how many frames are")
print("read, with all of them and without one of them.")
print()
av.logging.set_level(av.logging.WARNING)  # what FFmpeg says goes to the error output

with av.open(FRAMES, "w", format="image2") as pictures:
    stream = pictures.add_stream("png", rate=25)
    stream.width = stream.height = 16
    stream.pix_fmt = "gray"
    for number in range(1, COUNT + 1):
        frame = av.VideoFrame.from_ndarray(np.full((16, 16), number, np.uint8), format="gray")
        pictures.mux(stream.encode(frame))
    pictures.mux(stream.encode())


def read():
    """The numbers of the frames, how many the header has, and the error at the end if there is one."""
    numbers, error = [], None
    with av.open(FRAMES) as pictures:
        announced = pictures.streams.video[0].duration
        try:
            for frame in pictures.decode(video=0):
                numbers.append(int(frame.to_ndarray()[0, 0]))
        except FileNotFoundError as raised:
            error = type(raised).__name__
    return numbers, announced, error


found = {}
for missing in [None, *range(2, COUNT)]:
    if missing is not None:
        hidden = Path(FRAMES % missing).rename("hidden")
    found[missing] = read()
    if missing is not None:
        hidden.rename(FRAMES % missing)
print("missing  frames  in the header  error")
for missing in (None, 4, 5, 6, 8, 9, 10, 32, 33, 34):
    numbers, announced, error = found[missing]
    print(f"{missing or 'none':>7}  {len(numbers):6}  {announced:13}  {error or 'none'}")
silent = [missing for missing, (_, _, error) in found.items() if missing and error is None]
print()
print("Missing frames of which nothing is said, of 2 to 99:", *silent)
print()
print("Expected: an error for each of them, or all the other frames each time.")
print("Seen:     the last number is looked for in steps that double: from 1 at 2, 3, 5 ... 65, from there")
print("          at 66, 67, 69 ... If one of these is missing, the clip ends before it, in the header")
print("          too; if another is, the last picture is found, and reading fails at the missing one.")
tried = [2, 3, 5, 9, 17, 33, 65, 66, 67, 69, 73, 81, 97, 98, 99]
as_told = all(
    numbers == list(range(1, missing or (COUNT + 1)))
    and announced == (missing - 1 if missing in tried else COUNT)
    for missing, (numbers, announced, _) in found.items()
)
sys.exit(0 if as_told and silent == tried else 1)
PY
if grep "00005" messages; then exit 1; fi # FFmpeg says something of a silent one now
