"""Frames that come as they are made: from standard input or a camera of this machine.

The opener of streams; files have `opening`. Nothing here opens an address, a playlist or a file.
"""

import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.error
import numpy as np
from av.container import InputContainer

from gta.data.decode.codecs import VIDEO, WHITELIST
from gta.data.decode.opening import frames
from gta.data.decode.pixels import MAX_PIXELS, upright
from gta.data.decode.video_file import stored_as
from gta.errors import UsageError, VideoError

STDIN = "standard input"
_STREAMED = (
    *("matroska", "webm", "mpegts", "mpeg", "mpegvideo", "flv", "nut", "ogg", "ivf", "obu"),
    *("h264", "hevc", "mjpeg", "m4v", "yuv4mpegpipe", "mov", "mp4", "avi", "asf"),
)
"""Containers that may come through a pipe."""
_OPTIONS = {
    "protocol_whitelist": "",
    "format_whitelist": ",".join(_STREAMED),
    "codec_whitelist": WHITELIST,
}


def raw_frames(file: BinaryIO, height: int, width: int) -> Iterator[np.ndarray]:
    """RGB frames one after the other, uint8 (H, W, 3), until the end of the file.

    Raises:
        UsageError: Frames have no pixels, or too many.
        VideoError: The last frame is not whole: frames have another size.
    """
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise UsageError(f"frames of {height}x{width} (height x width) are not possible")
    size = height * width * 3
    while content := file.read(size):
        while len(content) < size:
            more = file.read(size - len(content))
            if not more:
                raise VideoError(
                    STDIN,
                    f"ends within a frame of {height}x{width} (height x width), {len(content)} of "
                    f"{size} bytes: is --size right, and are pixels RGB, 8 bits each?",
                )
            content += more
        yield np.frombuffer(content, np.uint8).reshape(height, width, 3)


def piped_frames(file: BinaryIO) -> Iterator[np.ndarray]:
    """The frames of a container that comes through a pipe, uint8 (H, W, 3).

    Raises:
        VideoError: It is no video.
    """
    # never sought in, whatever it is
    pipe, limit = _Pipe(file), {"max_pixels": str(MAX_PIXELS)}
    try:
        container = av.open(pipe, "r", options=limit, container_options=_OPTIONS)
    except (av.error.FFmpegError, EOFError) as error:
        raise VideoError(
            STDIN,
            "is no video that can be read from a pipe (Matroska, WebM, MPEG-TS, YUV4MPEG ...); of "
            "plain RGB frames say their width and height: --size 320x240",
        ) from error
    yield from _decoded(container, STDIN)


class _Pipe:
    """A file without seeking."""

    def __init__(self, file: BinaryIO):
        self.read = file.read


def camera_frames(number: int) -> Iterator[np.ndarray]:
    """Frames of a camera of this machine, /dev/videoN, uint8 (H, W, 3); ends when it goes away.

    Raises:
        UsageError: This machine's cameras are not read.
        VideoError: It is not there, or is in use.
    """
    if not sys.platform.startswith("linux"):
        raise UsageError(
            "cameras are read by v4l2, on Linux; elsewhere let ffmpeg read it: ffmpeg ... -f "
            "matroska - | gta predict RUN - --stream"
        )
    device = f"/dev/video{number}"
    try:
        container = av.open(device, "r", format="v4l2")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            device, f"cannot be opened ({reason}); is a camera connected, and not in use?"
        ) from error
    yield from _decoded(container, device)


def _decoded(container: InputContainer, name: str) -> Iterator[np.ndarray]:
    with container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise VideoError(name, "has no video stream")
        context = stream.codec_context
        if context.codec.canonical_name not in VIDEO:
            raise VideoError(name, f"has video of a kind that is not read, {context.name}")
        context.thread_count = 1
        for frame in frames(container, stream):
            yield upright(frame.to_ndarray(format="rgb24"), stored_as(frame))
