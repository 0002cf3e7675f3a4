"""The one place where a file, or a member of a shard, is opened as a video. Only local ones are."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from gta.data.decode.pixels import MAX_PIXELS
from gta.data.storage.sources import Member, Readable
from gta.errors import VideoError

# Playlists (HLS, concat, SDP ...) and numbered pictures (%03d) are left out: they open other files
# and connections.
_FORMATS = (
    *("mov", "mp4", "matroska", "webm", "avi", "mpeg", "mpegts", "mpegvideo", "asf", "flv"),
    *("live_flv", "gif", "ogg", "mxf", "dv", "nut", "rm", "wtv", "ivf", "obu", "h264", "hevc"),
    *("gxf", "dhav", "mjpeg", "m4v", "yuv4mpegpipe", "mp3", "wav", "flac", "aac"),
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(_FORMATS)}
# A title may be in any encoding. PyAV 18 refuses all but UTF-8 if not told; 19 does not.
_ANY_TITLE: dict[str, Any] = {"metadata_errors": "replace"} if av.__version__ < "19" else {}


@contextmanager
def opened(path: Readable) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its best video stream.

    Raises:
        VideoError: There is no video that can be read.
    """
    # A name is a name: without "file:", FFmpeg takes "12:30:05.mp4" and "concat:a" for protocols.
    source = BytesIO(path.read()) if isinstance(path, Member) else f"file:{path}"
    try:
        container = av.open(source, container_options=_OPTIONS, **_ANY_TITLE)
    except (av.error.FFmpegError, EOFError) as error:
        raise VideoError(str(path), _what_is_it(path)) from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            audio = " (audio only)" if container.streams.audio else ""
            raise VideoError(str(path), f"has no video stream{audio}")
        if not stream.codec_context:
            raise VideoError(str(path), "its kind of compression is not known to FFmpeg")
        height, width = frame_size(stream)
        if width * height > MAX_PIXELS:
            raise VideoError(
                str(path), f"its frames of {width}x{height} pixels are too large to decode"
            )
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stream.codec_context.thread_count = 1  # parallel over videos instead
        yield container, stream


def frame_size(stream: VideoStream) -> tuple[int, int]:
    """(height, width) in the header."""
    return stream.codec_context.height, stream.codec_context.width


def is_kind(container: InputContainer, *names: str) -> bool:
    """Whether a container is of one of these kinds, by FFmpeg's names."""
    return not set(container.format.name.split(",")).isdisjoint(names)


def _what_is_it(path: Readable) -> str:
    if isinstance(path, Member):
        start = path.read()[:1024]
    else:
        with path.open("rb") as file:
            start = file.read(1024)
    if b"\0" not in start and start.isascii():
        return "not a video that FFmpeg knows (is it a text file?)"
    return "not a video that FFmpeg can open (damaged, cut off, or another kind of file)"
