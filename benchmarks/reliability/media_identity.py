"""The frame that is asked for is the frame that is given, in twenty containers."""

import random
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from benchmarks.reliability.line import Line
from gta.data.decode import count_frames, read_frames
from gta.data.decode.index import forget
from gta.errors import VideoError

FRAMES, BITS, SIDE = 40, 8, 16
"""A frame's number in bars, each of so many pixels."""
CONTAINERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264.mp4": ("libx264", "yuv420p", {"bf": "2", "g": "12"}),
    "open_gop.mp4": ("libx264", "yuv420p", {"bf": "3", "g": "10", "flags": "-cgop"}),
    "no_b.mp4": ("libx264", "yuv444p", {"bf": "0", "g": "250"}),
    "hevc.mp4": ("libx265", "yuv420p", {"x265-params": "log-level=none:keyint=12"}),
    "mpeg4.mov": ("mpeg4", "yuv420p", {"bf": "2"}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "h264.mkv": ("libx264", "yuv420p10le", {"bf": "2", "g": "12"}),
    "hevc.mkv": ("libx265", "yuv420p10le", {"x265-params": "log-level=none:keyint=8"}),
    "ffv1.mkv": ("ffv1", "yuv420p", {}),
    "vp8.webm": ("libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "10"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "10"}),
    "av1.webm": ("libsvtav1", "yuv420p", {"preset": "12", "svtav1-params": "keyint=12"}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"bf": "2"}),
    "h264.avi": ("libx264", "yuv420p", {"bf": "2", "g": "12"}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {"bf": "2"}),
    "h264.ts": ("libx264", "yuv420p", {"bf": "2", "g": "12"}),
    "mpeg1.mpg": ("mpeg1video", "yuv420p", {"bf": "2"}),
    "flv1.flv": ("flv", "yuv420p", {}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}),
}


def barred(number: int) -> np.ndarray:
    """A picture whose bars are the bits of its number."""
    bars = [(number >> bit & 1) * 200 + 28 for bit in range(BITS)]
    return np.broadcast_to(
        np.repeat(np.array(bars, np.uint8), SIDE)[None, :, None], (64, BITS * SIDE, 3)
    )


def numbers(frames) -> list[int]:
    """Which frames (T, 3, H, W) they are, by their bars."""
    middle = frames.float().mean(1)[:, 16:48].mean(1)  # (T, W)
    bits = middle.unflatten(1, (BITS, SIDE))[:, :, 4:12].mean(2) > 128
    return [sum(int(bit) << place for place, bit in enumerate(row)) for row in bits.tolist()]


def write(path: Path, codec: str, pix_fmt: str, options: dict[str, str]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = BITS * SIDE, 64, pix_fmt
        stream.codec_context.thread_count = 1
        for i in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(barred(i)), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def wrong(path: Path, rounds: int, rng: random.Random) -> tuple[int, int]:
    """Frames asked for, one by one and together in any order, and how many are others."""
    forget()
    n, asked, others = count_frames(path), 0, 0
    for _ in range(rounds):
        for order in (rng.sample(range(n), n), [rng.randrange(n)], sorted(rng.sample(range(n), 8))):
            forget()
            try:
                found = numbers(read_frames(path, order))
            except VideoError:
                found = [-1] * len(order)
            asked += len(order)
            others += sum(a != b for a, b in zip(found, order, strict=True))
    return asked, others + abs(n - FRAMES)


def lines(rounds: int = 20) -> Iterator[Line]:
    """Line 12."""
    rng, told, asked, others = random.Random(0), list[str](), 0, 0
    with tempfile.TemporaryDirectory(prefix="gta-identity-") as name:
        for file, how in CONTAINERS.items():
            count, bad = wrong(write(Path(name) / file, *how), rounds, rng)
            asked, others = asked + count, others + bad
            told += [f"{file}: {bad}"] if bad else []
    yield Line(
        12,
        f"{asked:,} frames of {len(CONTAINERS)} containers, one by one and in any order",
        f"{others} are other frames{': ' * bool(told)}{', '.join(told)}",
        "0",
        not others,
    )
