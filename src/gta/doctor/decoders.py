"""Video formats: a small clip of each is written and read as any other video."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from gta.data.decode import read_frames
from gta.doctor.observed import Observed
from gta.errors import reason_of

CODECS = {
    "H.264": ("libx264", "mp4", "yuv420p"),
    "H.265": ("libx265", "mp4", "yuv420p"),
    "VP8": ("libvpx", "webm", "yuv420p"),
    "VP9": ("libvpx-vp9", "webm", "yuv420p"),
    "AV1": ("libsvtav1", "mp4", "yuv420p"),
    "MPEG-4": ("mpeg4", "avi", "yuv420p"),
    "MPEG-2": ("mpeg2video", "mpg", "yuv420p"),
    "Motion JPEG": ("mjpeg", "avi", "yuvj420p"),
    "Windows Media": ("wmv2", "wmv", "yuv420p"),
    "ProRes": ("prores_ks", "mov", "yuv422p10le"),
    "FFV1": ("ffv1", "mkv", "yuv420p"),
}
"""Encoder, container and pixel format, by the common name."""
_FRAMES, _SIZE = 6, 64
_GREY = 40 + 30 * np.arange(_FRAMES)
_NEAR = 6.0
"""Largest error of a frame, in levels of grey."""


def decoders(folder: Path) -> Iterator[Observed]:
    """Tries all formats.

    Args:
        folder: An empty folder for the clips.
    """
    works: list[str] = []
    for name, (codec, ending, pixels) in CODECS.items():
        path = folder / f"{codec}.{ending}"
        try:
            _write(path, codec, pixels)
        except Exception as error:  # FFmpeg's writers raise their own types
            yield Observed(name, f"not tried: it cannot be written here ({reason_of(error)})")
            continue
        wrong = wrong_frames(path)
        if wrong is None:
            works.append(name)
        else:
            yield Observed(name, "does not work", f"{wrong}: install av again, with its FFmpeg")
    for name, ending in (("JPEG", "jpg"), ("PNG", "png")):
        pictures = folder / ending
        pictures.mkdir()
        for i, grey in enumerate(_GREY):
            Image.new("RGB", (_SIZE, _SIZE), (int(grey),) * 3).save(pictures / f"{i:03d}.{ending}")
        wrong = wrong_frames(pictures)
        if wrong is None:
            works.append(f"{name} pictures")
        else:
            yield Observed(f"{name} pictures", "do not work", f"{wrong}: install pillow again")
    yield Observed("decoded", ", ".join(works) or "nothing")


def wrong_frames(path: Path) -> str | None:
    """What is wrong with the frames read from a clip of growing grey; None: nothing."""
    try:
        frames = read_frames(path)
    except Exception as error:
        return f"it cannot be read ({reason_of(error)})"
    if len(frames) != _FRAMES:
        return f"{len(frames)} frames are read of {_FRAMES}"
    grey = frames.float().mean(dim=(1, 2, 3)).numpy()
    off = float(np.abs(grey - _GREY).max())
    return None if off < _NEAR else f"frames are read wrong, by {off:.0f} levels of grey"


def _write(path: Path, codec: str, pixels: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    os.environ.setdefault("SVT_LOG", "0")  # silences this encoder
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width = stream.height = _SIZE
        stream.pix_fmt = pixels
        stream.bit_rate = 2_000_000
        for i, grey in enumerate(_GREY):
            image = np.full((_SIZE, _SIZE, 3), grey, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
