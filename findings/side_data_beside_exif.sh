#!/usr/bin/env bash
# PyAV: one kind of side data that it has no name for takes all side data of the frame away.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 pillow==13.0.0

venv/bin/python - <<'PY'
import io
import sys
from fractions import Fraction

import av
import PIL
from PIL import Image

print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}, Pillow {PIL.__version__}")
print("Motion JPEG videos of 5 frames, each a JPEG as Pillow writes it, with and without EXIF.")
print()


def picture(with_exif):
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    data = io.BytesIO()
    image = Image.new("RGB", (64, 48), "green")
    image.save(data, "JPEG", **({"exif": exif} if with_exif else {}))
    return data.getvalue()


def side_data(name, with_exif):
    """What `frame.side_data` gives for each frame."""
    with av.open(name, "w") as target:
        stream = target.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(5):
            packet = av.Packet(picture(with_exif))
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            target.mux(packet)
    seen = []
    with av.open(name) as source:
        for frame in source.decode(video=0):
            try:
                seen.append(f"{len(frame.side_data)} entries")
            except ValueError as error:
                seen.append(f"ValueError: {error}")
    return seen


plain, exif = [], []
for ending in ("avi", "mov"):
    plain += side_data(f"plain.{ending}", False)
    exif += side_data(f"exif.{ending}", True)
    print(f".{ending}, without EXIF: {len(plain[-5:])} frames, frame.side_data: {plain[-1]}")
    print(f".{ending}, with EXIF:    {len(exif[-5:])} frames, frame.side_data: {exif[-1]}")

print()
print("Expected: the mapping of the kinds that PyAV knows; others are left out or numbered.")
as_described = all(text == "0 entries" for text in plain) and all(
    "is not a valid Type" in text for text in exif
)
if len(plain) == len(exif) == 10 and as_described:
    print("Seen:     side_data raises for every frame, whatever else the frame has beside EXIF.")
    sys.exit(0)
print("This has changed: side data can be read beside EXIF.")
sys.exit(1)
PY
