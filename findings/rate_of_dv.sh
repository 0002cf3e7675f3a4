#!/usr/bin/env bash
# PyAV and FFmpeg: the average rate of a DV tape's file is 60000 frames per second.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0

venv/bin/python - <<'PY'
import sys
from fractions import Fraction

import av

print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}")
print("30 frames of DV video, in the files that tapes are read into (.dv) and in others.")
print()
SYSTEMS = {
    "PAL": (Fraction(25), 720, 576, "yuv420p"),
    "NTSC": (Fraction(30000, 1001), 720, 480, "yuv411p"),
}
seen = {}
for system, (rate, width, height, pixels) in SYSTEMS.items():
    for ending in ("dv", "avi", "mov"):
        name = f"{system}.{ending}"
        with av.open(name, "w") as target:
            stream = target.add_stream("dvvideo", rate=rate)
            stream.width, stream.height, stream.pix_fmt = width, height, pixels
            for number in range(30):
                frame = av.VideoFrame(width, height, pixels)
                for plane in frame.planes:
                    plane.update(bytes([8 * number]) * plane.buffer_size)
                target.mux(stream.encode(frame))
            target.mux(stream.encode())
        with av.open(name) as source:
            stream = source.streams.video[0]
            times = [frame.time for frame in source.decode(stream)]
            by_times = (len(times) - 1) / (times[-1] - times[0])
            seen[name] = (stream.average_rate, stream.guessed_rate, by_times)
        print(
            f"{name:8}  average_rate {seen[name][0]!s:10}  guessed_rate {seen[name][1]!s:10}  "
            f"by the times of {len(times)} frames {by_times:.3f}"
        )

print()
print("Expected: an average_rate of 25 or 30000/1001, in each file, as the frames have it.")
as_described = []
for name, (average, _, by_times) in seen.items():
    rate = SYSTEMS[name.partition(".")[0]][0]
    as_described.append(average == (60000 if name.endswith(".dv") else rate))
    as_described.append(abs(by_times - rate) < 0.01)
if all(as_described):
    print("Seen:     60000 for each .dv file; the times of its frames are right.")
    sys.exit(0)
print("This has changed: average_rate is the rate of the frames, or the times are wrong too.")
sys.exit(1)
PY
