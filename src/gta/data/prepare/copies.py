"""A copy: written under another name, read again and compared, then given its name."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from av.video.stream import VideoStream
from PIL import Image

from gta.data.decode import (
    as_tensor,
    count_frames,
    cut_off,
    each_frame,
    frame_rate,
    frame_times,
    read_frames,
)
from gta.data.prepare.options import Options
from gta.data.sampling import segment_indices
from gta.data.storage.sources import Source
from gta.data.transforms.clip import resize_frames
from gta.errors import VideoError

ENDINGS = {"video": ".mp4", "jpeg": ""}
LEAST_PSNR = 20.0
"""dB; a copy of hard content at poor quality has more, a wrong picture less."""
POOR_PSNR = 28.0
"""dB; below, loss is plain to see. Of real videos at the default quality, all but the grainiest
have more."""
_NO_RATE = Fraction(30)
"""What sampling by time takes for videos without a frame rate."""
_RATES = (0.001, 1000)
"""Frames per second that are believed."""
_TICK = Fraction(1, 90_000)
"""Unit of times in seconds."""
_COMPARED = 4


@dataclass(frozen=True, slots=True)
class Copy:
    """What was written."""

    num_frames: int
    fps: float | None
    """Of the original; None: it has no frame rate."""
    bytes: int
    psnr: float
    """The least of the frames that were compared, in dB; at most 99."""
    cut_off: str | None = None
    """What of the original is there, where its end is not: the copy is of that."""


def write_copy(source: Source, target: Path, options: Options) -> Copy:
    """Writes and verifies a copy; `target` is there whole or not at all.

    Its frames are those of the original in number, order and time.

    Raises:
        VideoError: The original cannot be read, or the copy is not like it.
        OSError: It cannot be written.
    """
    num_frames, fps = count_frames(source), frame_rate(source)
    compared = sorted({*segment_indices(num_frames, _COMPARED), num_frames - 1})
    kept: dict[int, torch.Tensor] = {}

    def frames() -> Iterator[np.ndarray]:
        for i, image in enumerate(each_frame(source)):
            whole = as_tensor(np.array(image))
            frame = resize_frames(whole, options.size(*image.shape[:2]))[0]
            if i in compared:
                kept[i] = frame
            yield np.ascontiguousarray(frame.permute(1, 2, 0).numpy())

    target.parent.mkdir(parents=True, exist_ok=True)
    # short, and no copy's own: names of copies start with no dot
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    part = target.with_name(f".{digest}.part{target.suffix}")
    remove(part)
    try:
        if options.form == "video":
            _write_video(part, frames(), frame_times_of(source, num_frames, fps), options)
        else:
            _write_pictures(part, frames(), options)
        psnr = _verify(source, part, num_frames, kept)
        if part.is_dir():
            remove(target)
        os.replace(part, target)
    finally:
        remove(part)
    return Copy(num_frames, fps, num_bytes(target), psnr, cut_off(source))


def num_bytes(path: Path) -> int:
    """Of a file, or of all files of a folder; 0: nothing is there."""
    if path.is_dir():
        return sum(entry.stat().st_size for entry in os.scandir(path))
    return path.stat().st_size if path.is_file() else 0


def frame_times_of(source: Source, num_frames: int, fps: float | None) -> list[Fraction]:
    """When each frame is shown, in seconds: evenly at the average rate, unless the rate varies."""
    least, most = _RATES
    known = fps is not None and least <= fps <= most
    rate = Fraction(fps).limit_denominator(10_000) if fps is not None and known else _NO_RATE
    even = [i / rate for i in range(num_frames)]
    times = frame_times(source) or []
    # times of a constant rate are rounded, by up to a hundredth of a second in some containers
    if len(times) == num_frames and any(
        abs(time - expected) > 1 / (2 * rate) for time, expected in zip(times, even, strict=True)
    ):
        return [Fraction(time) for time in times]
    return even


def _write_video(
    part: Path, frames: Iterator[np.ndarray], times: list[Fraction], options: Options
) -> None:
    x264 = {
        **{"crf": str(options.quality), "preset": "medium", "tune": "fastdecode", "bf": "0"},
        **{"threads": "1", "sc_threshold": "0"},
    }
    span, gaps = times[-1] - times[0], len(times) - 1
    rate = (gaps / span).limit_denominator(10_000) if span else _NO_RATE
    # a constant rate has its own unit, in which times are exact
    even = all(time - times[0] == i / rate for i, time in enumerate(times))
    tick = 1 / rate if even else _TICK
    with av.open(str(part), "w", format="mp4") as container:
        stream: VideoStream = container.add_stream("libx264", rate=rate, options=x264)
        stream.pix_fmt, stream.gop_size = "yuv420p", options.key_frames
        stream.codec_context.thread_count, stream.codec_context.time_base = 1, tick
        # a frame too few is found when the copy is read again
        for i, (image, time) in enumerate(zip(frames, times, strict=False)):
            if i == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round((time - times[0]) / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _write_pictures(part: Path, frames: Iterator[np.ndarray], options: Options) -> None:
    part.mkdir()
    for i, image in enumerate(frames, start=1):
        Image.fromarray(image).save(part / f"{i:06d}.jpg", quality=options.quality)


def _verify(source: Source, part: Path, num_frames: int, kept: dict[int, torch.Tensor]) -> float:
    """Reads the copy as training will; gives the least PSNR."""
    try:
        count = count_frames(part)
        if count != num_frames:
            raise VideoError(part, f"it has {count} frames instead of {num_frames}")
        frames = read_frames(part, sorted(kept))
    except VideoError as error:
        raise VideoError(str(source), f"its copy is not good: {error.reason}") from error
    least = 99.0
    for i, frame in zip(sorted(kept), frames, strict=True):
        if frame.shape != kept[i].shape:
            height, width = frame.shape[-2:]
            raise VideoError(str(source), f"its copy has frames of {width}x{height} pixels")
        error = (frame.float() - kept[i].float()).square().mean()
        psnr = float(10 * torch.log10(255**2 / error.clamp(min=1e-6)))
        if psnr < LEAST_PSNR:
            raise VideoError(
                str(source),
                f"frame {i} of its copy is not like the original (PSNR {psnr:.1f} dB, less than "
                f"{LEAST_PSNR:g}): with a better --quality, it may be",
            )
        least = min(least, psnr)
    return round(least, 2)


def remove(path: Path) -> None:
    """Deletes a copy, a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
