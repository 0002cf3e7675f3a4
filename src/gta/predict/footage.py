"""Videos that are made of a timeline: the whole video with its labels, and a file for each segment.

Frames are decoded and encoded anew, at their own times; a copy without that could begin at key
frames only.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from gta.data.decode import frames_in_order
from gta.data.storage.sources import Readable
from gta.figures.label_strip import label_strip
from gta.files import write_atomically
from gta.names import shown

if TYPE_CHECKING:
    from gta.predict.timeline import Timeline

_TICK = Fraction(1, 90_000)
_QUALITY = {"crf": "18", "preset": "veryfast"}


class Encoder:
    """Writes an H.264 file; frames keep their times, whatever the rate.

    Args:
        container: Open for writing.
        rate: Frames per second on average.
    """

    def __init__(self, container: OutputContainer, rate: float):
        self.container, self.rate = container, rate
        self.stream: VideoStream | None = None
        self.last = -1

    def write(self, image: np.ndarray, time: float) -> None:
        """A frame, uint8 (H, W, 3), at a time in seconds, later than the frame before it."""
        height, width = image.shape[:2]
        if height % 2 or width % 2:  # H.264 stores colors for squares of four pixels
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self.stream is None:
            self.stream = self._stream(image)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        self.last = frame.pts = max(round(time / _TICK), self.last + 1)
        frame.time_base = _TICK
        self.container.mux(self.stream.encode(frame))

    def end(self) -> None:
        """What the encoder still holds."""
        if self.stream is not None:
            self.container.mux(self.stream.encode(None))

    def _stream(self, image: np.ndarray) -> VideoStream:
        rate = Fraction(self.rate).limit_denominator(1001)
        stream: VideoStream = self.container.add_stream("libx264", rate=rate, options=_QUALITY)
        stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
        stream.codec_context.time_base = _TICK
        return stream


@contextmanager
def encoding(path: Path, rate: float) -> Iterator[Encoder]:
    """An open encoder; the file is whole when the context ends."""
    with av.open(str(path), "w", format="mp4") as container:
        encoder = Encoder(container, rate)
        yield encoder
        encoder.end()


def write_labeled(timeline: "Timeline", path: Path) -> None:
    """The whole video, with the label of each segment at its lower edge."""
    segments, now = iter(timeline.segments), None
    now = next(segments, None)
    strip: tuple[str, np.ndarray] | None = None
    with encoding(path, timeline.rate) as encoder:
        for frame in frames_in_order(_source(timeline)):
            while now is not None and frame.time >= now.end:
                now = next(segments, None)
            image = frame.image()
            if now is not None and frame.time >= now.start:
                text = f"{now.score:.0%}  {shown(now.label)}"
                if strip is None or strip[0] != text:
                    strip = text, label_strip(text, image.shape[1], image.shape[0])
                image = _under(image, strip[1])
            encoder.write(image, frame.time)


def _under(image: np.ndarray, strip: np.ndarray) -> np.ndarray:
    """The image with a strip (h, W, 4) over its lower edge."""
    image, height = image.copy(), len(strip)
    color, cover = strip[..., :3].astype(np.float32), strip[..., 3:].astype(np.float32) / 255
    below = image[-height:].astype(np.float32)
    image[-height:] = (below + (color - below) * cover).round().astype(np.uint8)
    return image


def cut_segments(timeline: "Timeline", folder: Path) -> list[Path]:
    """See `Timeline.cut`."""
    frames = frames_in_order(_source(timeline))
    frame, written = next(frames, None), list[Path]()
    for segment in timeline.segments:
        while frame is not None and frame.time < segment.start:
            frame = next(frames, None)
        if frame is None:
            break
        if frame.time >= segment.end:  # between two frames
            continue
        stem = f"{timeline.path.stem}_{segment.start:010.3f}-{segment.end:010.3f}"
        place = folder / folder_name(segment.label) / f"{stem}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        begun = frame.time

        def write(part: Path, end: float = segment.end, begun: float = begun) -> None:
            nonlocal frame
            with encoding(part, timeline.rate) as encoder:
                while frame is not None and frame.time < end:
                    encoder.write(frame.image(), frame.time - begun)
                    frame = next(frames, None)

        write_atomically(place, write)
        written.append(place)
    return written


def folder_name(label: str) -> str:
    """A label as the name of a folder, on any system."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]|^[._]|[. ]$', "-", shown(label)) or "-"


def _source(timeline: "Timeline") -> Readable:
    return timeline.path.expanduser()
