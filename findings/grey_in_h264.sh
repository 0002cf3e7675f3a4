#!/usr/bin/env bash
# PyAV and FFmpeg: grey frames that x264 has taken as grey, without loss, are read with more contrast
# and without their darkest and lightest values; from x265 and FFV1 they come back as they were.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PY'
import platform
import sys

import av
import numpy as np
from av.video.reformatter import ColorRange

LOSSLESS = {"libx264": {"qp": "0"}, "libx265": {"x265-params": "lossless=1:log-level=none"}, "ffv1": {}}
SHOWN = (0, 16, 64, 128, 192, 235, 255)
values = np.arange(256, dtype=np.uint8)
picture = np.broadcast_to(values.repeat(2), (64, 512))  # all greys, from left to right


def written(codec, pixels, color_range=None):
    """A clip of three frames in which no value is lost."""
    with av.open("clip.mkv", "w") as file:
        stream = file.add_stream(codec, rate=25, options=LOSSLESS[codec])
        stream.height, stream.width = picture.shape
        stream.pix_fmt = pixels
        if color_range is not None:
            stream.codec_context.color_range = color_range
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        file.mux(stream.encode())


def read():
    """How a frame is stored, and its greys as grey and in colour."""
    with av.open("clip.mkv") as file:
        frame = next(file.decode(video=0))
    grey = frame.to_ndarray(format="gray")[32, ::2]
    colour = frame.to_ndarray(format="rgb24")[32, ::2]
    stored = frame.to_ndarray()[32, ::2]  # the brightness comes first
    return f"{frame.format.name}, {ColorRange(frame.color_range).name}", stored, grey, colour


print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}, Python {platform.python_version()}")
takes_grey = "gray" in {form.name for form in av.Codec("libx264", "w").video_formats}
print("Grey frames with all values from 0 to 255, written without loss and read as grey ('gray').")
print("'gray' is one of the formats that libx264 says it takes:", takes_grey)
print()
print("encoder  pix_fmt  color_range   a frame that is read   " + " ".join(f"{v:3}" for v in SHOWN), "  greys")
seen = []
for codec, pixels, color_range in (
    ("ffv1", "gray", None),
    ("libx265", "gray", None),
    ("libx264", "yuv420p", None),
    ("libx264", "gray", None),
    ("libx264", "gray", ColorRange.JPEG),
):
    written(codec, pixels, color_range)
    form, stored, grey, colour = read()
    greatest = int(np.abs(grey.astype(int) - values).max())
    same = bool((np.abs(colour.astype(int) - grey[:, None]) <= 1).all())  # in colour as in grey
    seen.append((greatest, same, bool((stored == values).all())))
    told = " ".join(f"{v:3}" for v in grey[list(SHOWN)])
    label = "not said" if color_range is None else f"{color_range.name} (full)"
    print(f"{codec:8} {pixels:8} {label:13} {form:22} {told}  {len(np.unique(grey)):5}")

expanded = np.clip(np.round((values.astype(float) - 16) * 255 / 219), 0, 255)
av.logging.set_level(av.logging.WARNING)
with av.logging.Capture(local=False) as warnings:
    written("libx264", "gray")
    as_limited = bool((np.abs(read()[2] - expanded) <= 1).all())
print()
print("Warnings by FFmpeg in the fourth row:", warnings or "none")
print()
print("Expected: the same greys in every row, but for rounding, or an error from libx264.")
print("Seen:     the encoder is given the values as they are, 0 to 255, and the file does not say so; the")
print("          decoder gives them back as the brightness of a frame in colour, which goes from 16 to 235:")
print("          v is read as (v - 16) * 255 / 219. As 'yuv420p', or with the range said, it comes out right.")
right = [(0, True, True), (0, True, True), (1, True, False)]
as_told = seen == [*right, (20, True, True), (0, True, True)] and as_limited
sys.exit(0 if takes_grey and as_told and not warnings else 1)
PY
