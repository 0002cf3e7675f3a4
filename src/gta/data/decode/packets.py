"""Packets of a video stream, and frames decoded from them, up to damage."""

from collections.abc import Container, Iterable, Iterator

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gta.data.decode.references import check_references


def packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """Packets up to the end of the file or the first damage of the container.

    Raises:
        ValueError: To decode one takes more memory than is allowed.
    """
    demuxed, check = container.demux(stream), check_references(stream)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return
        if check is not None:
            check(bytes(packet))
        if packet.size:  # the last, empty one asks the decoder for what it holds back
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
