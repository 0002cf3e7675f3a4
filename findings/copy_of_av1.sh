#!/usr/bin/env bash
# PyAV: an AV1 stream cannot be copied to another file by the usual call, with the usual arguments.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0

SVT_LOG=1 venv/bin/python - <<'PY' # the AV1 encoder says errors alone
import sys

import av

print(f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}")
print("Videos of 10 frames, whose packets are to be copied into a Matroska file as they are.")
print()
av.logging.set_level(av.logging.ERROR)


def write(name, codec):
    with av.open(name, "w") as target:
        stream = target.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame(128, 96, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([20 * number]) * plane.buffer_size)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())


def copy(name, **arguments):
    try:
        with av.open(name) as source, av.open("copy.mkv", "w") as target:
            old = source.streams.video[0]
            new = target.add_stream_from_template(old, **arguments)
            for packet in source.demux(old):
                if packet.dts is not None:
                    packet.stream = new
                    target.mux(packet)
        with av.open("copy.mkv") as target:
            result = f"{sum(1 for _ in target.decode(video=0))} frames"
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(f"{name}, add_stream_from_template(stream{', opaque=True' * bool(arguments)}): {result}")
    return result


write("mpeg4.mp4", "mpeg4")
write("h264.mp4", "libx264")
write("av1.mp4", "libsvtav1")
others = [copy("mpeg4.mp4"), copy("h264.mp4")]
usual, opaque = copy("av1.mp4"), copy("av1.mp4", opaque=True)

print()
print("Expected: packets are copied without an encoder, so no codec has to have one.")
if others == ["10 frames"] * 2 and "libdav1d" in usual and opaque == "10 frames":
    print("Seen:     the call fails on the name of the decoder, which has no encoder of that name.")
    sys.exit(0)
print("This has changed: AV1 is copied as others are, or by no means.")
sys.exit(1)
PY
