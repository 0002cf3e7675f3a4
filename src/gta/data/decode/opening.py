"""The one place where a file, or a member of a shard, is opened as a video and decoded.

Only local ones are. Containers and kinds of compression are those on a list, frames have at most so
many pixels, decoders hold at most so many frames for others to refer to, opening takes at most so
long. What opens other files, playlists and numbered pictures, is on no list. A container gives
packets, and a decoder makes frames of them, up to damage.
"""

import stat
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gta.data.decode.codecs import VIDEO, WHITELIST
from gta.data.decode.mp4_claims import check_claims
from gta.data.decode.pixels import MAX_PIXELS
from gta.data.decode.references import MOST_REFERENCES, asked_in_header, asked_in_packet
from gta.data.storage.sources import Member, Readable
from gta.errors import VideoError

# Playlists (HLS, concat, SDP ...) and numbered pictures (%03d) are left out: they open other files
# and connections.
_FORMATS = (
    *("mov", "mp4", "matroska", "webm", "avi", "mpeg", "mpegts", "mpegvideo", "asf", "flv"),
    *("live_flv", "gif", "ogg", "mxf", "dv", "nut", "rm", "wtv", "ivf", "obu", "h264", "hevc"),
    *("gxf", "dhav", "mjpeg", "m4v", "yuv4mpegpipe", "mp3", "wav", "flac", "aac"),
)
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(_FORMATS),
    "codec_whitelist": WHITELIST,
}
# A title may be in any encoding. PyAV 18 refuses all but UTF-8 if not told; 19 does not.
_ANY_TITLE: dict[str, Any] = {"metadata_errors": "replace"} if av.__version__ < "19" else {}
OPENING = 10.0
"""Seconds that opening may take; of the largest frames, FFmpeg decodes some on the way."""
MOST_HELD = 2**30
"""Bytes of frames that a decoder may hold: ten of 8K with 10 bits a color, or 80 of 4K with 8.

What views need is one frame at a time; what a decoder needs is told by the file, and a small
file can ask for 16 frames of 8K.
"""
_OTHER_BITS = 24
"""Of a pixel whose format is not known yet."""


@contextmanager
def opened(
    path: Readable, *, is_known: bool = False
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its best video stream.

    Args:
        path: The file.
        is_known: Whether its index is, and the file has not changed since: what it claims is not
            added up again.

    Raises:
        VideoError: There is no video that can be read.
    """
    container = _container(path, is_known)
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            audio = " (audio only)" if container.streams.audio else ""
            raise VideoError(str(path), f"has no video stream{audio}")
        context = stream.codec_context
        if not context:
            raise VideoError(str(path), "its kind of compression is not known to FFmpeg")
        codec = context.codec.canonical_name
        if codec not in VIDEO:
            raise VideoError(str(path), _not_listed(codec))
        height, width = frame_size(stream)
        if width * height > MAX_PIXELS:
            raise VideoError(
                str(path), f"its frames of {width}x{height} pixels are too large to decode"
            )
        try:
            check_references(stream)
        except ValueError as error:
            raise VideoError(str(path), str(error)) from error
        context.options = {"max_pixels": str(MAX_PIXELS)}
        context.thread_count = 1  # parallel over videos instead
        yield container, stream


def packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """Packets up to the end of the file or the first damage of the container.

    Raises:
        ValueError: To decode a packet takes more memory than is allowed.
    """
    demuxed, check = container.demux(stream), check_references(stream)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return
        if check is not None:
            check(bytes(packet))
        if packet.size:  # the last, empty packet asks the decoder for what it holds back
            yield packet


def frames(
    container: InputContainer, stream: VideoStream, shown: Container[int | None] | None = None
) -> Iterator[VideoFrame]:
    """Frames in order of presentation; goes on after a packet that does not decode.

    Where the times of the frames to be `shown` are given, others may be missing: those of H.264
    that no frame refers to, half of a film with B-frames, are not decoded. It then stops at damage,
    which FFmpeg would conceal with what is missing.
    """
    yield from frames_of(packets(container, stream), stream, shown)


def frames_of(
    given: Iterable[Packet], stream: VideoStream, shown: Container[int | None] | None = None
) -> Iterator[VideoFrame]:
    """The same of `given` packets."""
    context = stream.codec_context
    skips = shown is not None and context.name == "h264"
    for packet in given:
        if skips and shown is not None:
            context.skip_frame = "DEFAULT" if packet.pts in shown else "NONREF"
        try:
            yield from stream.decode(packet)
        except av.error.FFmpegError:
            if shown is not None:
                return
    try:
        yield from stream.decode(None)
    except av.error.FFmpegError:
        return


def check_ordinary(path: Readable) -> None:
    """Refuses what would wait for a writer, or never end: pipes, sockets, devices.

    Raises:
        VideoError: It is one of them.
        OSError: It is not there.
    """
    if isinstance(path, Member):
        return
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise VideoError(str(path), f"is {kind}, not a file")


def frame_size(stream: VideoStream) -> tuple[int, int]:
    """(height, width) in the header."""
    return stream.codec_context.height, stream.codec_context.width


def is_kind(container: InputContainer, *names: str) -> bool:
    """Whether a container is of one of these kinds, by FFmpeg's names."""
    return not set(container.format.name.split(",")).isdisjoint(names)


def check_references(stream: VideoStream) -> Callable[[bytes], None] | None:
    """Refuses a stream whose decoder would hold more than `MOST_HELD` bytes.

    Returns:
        What refuses a packet that asks for more than the header did; None where even the most that
        can be asked for is little enough.

    Raises:
        ValueError: It would hold too much.
    """
    context = stream.codec_context
    codec, head = context.codec.canonical_name, context.extradata or b""
    if _held(stream, MOST_REFERENCES.get(codec, 2)) <= MOST_HELD:
        return None
    _refuse_more(stream, asked_in_header(codec, head))
    return lambda packet: _refuse_more(stream, asked_in_packet(codec, head, packet))


def _refuse_more(stream: VideoStream, references: int) -> None:
    if _held(stream, references) > MOST_HELD:
        context = stream.codec_context
        raise ValueError(
            f"its decoder would hold {references} frames of {context.width}x{context.height} "
            f"pixels and more ({_held(stream, references) / 1e9:.1f} GB, the limit is "
            f"{MOST_HELD / 1e9:.1f}). "
            f"Make a smaller copy: ffmpeg -i IN -vf scale=-2:1080 -c:v libx264 -crf 12 OUT.mp4"
        )


def _held(stream: VideoStream, references: int) -> int:
    """Bytes of so many frames, those that wait for their turn, and that which is being decoded."""
    context = stream.codec_context
    bits = VideoFormat(context.pix_fmt).padded_bits_per_pixel if context.pix_fmt else _OTHER_BITS
    frames = references + (context.reorder_depth or 0) + 1
    return frames * context.width * context.height * bits // 8


def _container(path: Readable, is_known: bool) -> InputContainer:
    check_ordinary(path)
    content = b""
    if isinstance(path, Member):
        content = path.read()
        if not is_known and _begins_with_box(content):
            check_claims(BytesIO(content), str(path))
    elif not is_known:
        with path.open("rb") as file:
            if _begins_with_box(file.read(8)):
                check_claims(file, str(path))

    def attempt(seconds: float | None) -> InputContainer:
        # A name is a name: without "file:", FFmpeg takes "12:30:05.mp4", "concat:a" for protocols.
        source = BytesIO(content) if isinstance(path, Member) else f"file:{path}"
        return av.open(
            source,
            options={"max_pixels": str(MAX_PIXELS)},  # for the frames decoded on the way
            container_options=_OPTIONS,
            timeout=(seconds, None),
            **_ANY_TITLE,
        )

    began = time.thread_time()
    try:
        try:
            return attempt(OPENING)
        except av.error.ExitError as error:
            if time.thread_time() - began > OPENING / 2:
                raise VideoError(
                    str(path), f"could not be opened in {OPENING:g} s: damaged, or made to be slow"
                ) from error
            return attempt(None)  # the disk was slow, not the file
    except (av.error.FFmpegError, EOFError) as error:
        raise VideoError(str(path), _what_is_it(path)) from error


def _begins_with_box(content: bytes) -> bool:
    """As MP4 and MOV do: 4 bytes of size, and a name of letters. Any box may come first."""
    return content[4:8].replace(b" ", b"").isalnum()


def _not_listed(codec: str) -> str:
    return (
        f"its kind of compression, {codec}, is not read: no camera and no public data set writes "
        f"it. Convert it: ffmpeg -i IN -c:v libx264 -crf 12 OUT.mp4"
    )


def _what_is_it(path: Readable) -> str:
    if isinstance(path, Member):
        start = path.read()[:1024]
    else:
        with path.open("rb") as file:
            start = file.read(1024)
    if b"\0" not in start and start.isascii():
        return "not a video that FFmpeg knows (is it a text file?)"
    return "not a video that FFmpeg can open (damaged, cut off, or another kind of file)"
