"""Files as people have them: too short, no video, turned, odd in size, of many bits, very large."""

import os
import shutil
import stat
import tempfile
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from benchmarks.reliability.line import Line
from gta.data.decode import count_frames, cut_off, frame_times, read_frames
from gta.data.sampling import segment_indices
from gta.errors import VideoError


def write(
    path: Path,
    num_frames: int,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (48, 64),
    image: Callable[[int], np.ndarray] | None = None,
    times: Callable[[int], int] = lambda i: i,
) -> Path:
    """A video of (height, width) whose frames are grey, the next a little brighter."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width, stream.pix_fmt = *size, pix_fmt
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
        for i in range(num_frames):
            grey = np.full((*size, 3), 20 + 5 * i, np.uint8) if image is None else image(i)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = times(i), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def told(path: Path) -> str:
    """What is said of a file; or how many frames it has."""
    try:
        frames = read_frames(path)
    except VideoError as error:
        return error.reason
    return f"{len(frames)} frames"


def without_permission(path: Path) -> str:
    """What is said to somebody who may not read a file; root becomes somebody else for it."""
    is_root = not os.geteuid()
    try:
        if is_root:
            os.seteuid(65534)
        return told(path)
    finally:
        if is_root:
            os.seteuid(0)


def messages(folder: Path) -> list[str]:
    """Which kinds of file are not told of as they should be."""
    one, three = write(folder / "one.mp4", 1), write(folder / "three.mp4", 3)
    half = write(folder / "half.webm", 20, codec="libvpx-vp9")
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    none, text, empty = folder / "none.mp4", folder / "text.mp4", folder / "empty.mp4"
    with av.open(str(none), "w") as container:
        container.add_stream("mpeg4", rate=25)
        container.start_encoding()
    text.write_text("no video\n" * 9)
    empty.touch()
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    closed = shutil.copy(three, folder / "closed.mp4")
    closed.chmod(0)
    folder.chmod(stat.S_IRWXU | stat.S_IXOTH)
    bare = folder / "bare"
    bare.mkdir()
    cases = {
        "1 frame": (told(one), "1 frames"),
        "3 frames": (told(three), "3 frames"),
        "short clips are padded by rule": (
            str(list(segment_indices(3, 8))),
            "[0, 0, 0, 1, 1, 2, 2, 2]",
        ),
        "half a WebM": (cut_off(half) or "", " bytes"),
        "no frame": (told(none), ""),
        "text": (told(text), "is it a text file?"),
        "empty": (told(empty), "is empty (0 bytes)"),
        "missing": (told(folder / "missing.mp4"), "no such file"),
        "sound alone": (told(folder / "sound.wav"), "has no video stream (audio only)"),
        "an empty folder": (told(bare), "is a folder without pictures"),
        "no permission": (without_permission(closed), "no permission to read it"),
    }
    return [
        f"{kind}: {found!r}"
        for kind, (found, expected) in cases.items()
        if expected not in found or (kind == "no frame" and found.endswith("frames"))
    ]


def quarters(height: int, width: int) -> np.ndarray:
    """Black, and a white quarter at the top left."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


def turned(folder: Path) -> str:
    """Whether a video that is stored turned is seen upright."""
    path = write(folder / "turned.mp4", 4, size=(48, 64), image=lambda i: quarters(48, 64))
    data = bytearray(path.read_bytes())
    # the matrix of the track's header: turned by 90 degrees (ISO/IEC 14496-12, 8.3.2)
    place = data.index(b"tkhd") + 4 + 40
    one = (1 << 16).to_bytes(4, "big")
    minus = (-(1 << 16)).to_bytes(4, "big", signed=True)
    data[place : place + 36] = b"".join(
        [bytes(4), one, bytes(4), minus, bytes(12), bytes(4), (1 << 30).to_bytes(4, "big")]
    )
    path.write_bytes(data)
    frame = read_frames(path, [0])[0].float().mean(0)  # (H, W)
    if tuple(frame.shape) != (64, 48):
        return f"of size {tuple(frame.shape)}"
    top_right = frame[:32, 24:].mean()
    return "" if top_right > 200 and frame[:32, :24].mean() < 50 else "turned the other way"


def pixels(folder: Path) -> list[str]:
    """Which forms are not read with the right pixels."""
    faults = {}

    def colours(i: int, size: tuple[int, int]) -> np.ndarray:
        picture = np.zeros((*size, 3), np.uint8)
        third = size[1] // 3
        for channel in range(3):
            picture[:, channel * third : (channel + 1) * third, channel] = 220
        return picture

    def right(path: Path, size: tuple[int, int]) -> str:
        frame = read_frames(path, [1])[0]
        if tuple(frame.shape[1:]) != size:
            return f"size {tuple(frame.shape[1:])}"
        third = size[1] // 3
        for channel in range(3):
            part = frame[:, 4:-4, channel * third + 6 : (channel + 1) * third - 6].float()
            mean = part.mean((1, 2))
            others = [float(mean[c]) for c in range(3) if c != channel]
            if not (float(mean[channel]) > 190 and max(others) < 40):
                return f"colours {mean.round().tolist()}"
        return ""

    for kind, codec, pix_fmt, size in (
        ("odd size", "libx264", "yuv444p", (51, 75)),
        ("10 bits", "libx264", "yuv420p10le", (48, 96)),
        ("12 bits", "libx265", "yuv444p12le", (48, 96)),
        ("4:2:2", "prores_ks", "yuv422p10le", (48, 96)),
        ("8K", "mjpeg", "yuvj420p", (4320, 7680)),
    ):
        path = folder / f"{kind.replace(':', '')}.mov"
        write(
            path, 3, codec=codec, pix_fmt=pix_fmt, size=size, image=lambda i, s=size: colours(i, s)
        )
        faults[kind] = right(path, size)
    varying = write(folder / "varying.mp4", 9, times=lambda i: i * i)
    times = frame_times(varying) or []
    faults["varying rate"] = (
        "" if [round(25 * t) for t in times] == [i * i for i in range(9)] else f"times {times}"
    )
    faults["varying rate, frames"] = "" if count_frames(varying) == 9 else "lost frames"
    faults["turned by 90 degrees"] = turned(folder)
    return [f"{kind}: {fault}" for kind, fault in faults.items() if fault]


def lines() -> Iterator[Line]:
    """Lines 13 and 14."""
    with tempfile.TemporaryDirectory(prefix="gta-forms-") as name:
        for number, what, bound, faults in (
            (
                13,
                "11 kinds of file that are short, cut, empty or no video",
                "the message of each",
                messages(Path(name)),
            ),
            (
                14,
                "turned, odd in size, 10 and 12 bits, 4:2:2, varying rate, 8K",
                "upright, the right colours and times",
                pixels(Path(name)),
            ),
        ):
            yield Line(number, what, "; ".join(faults) or "all as documented", bound, not faults)
