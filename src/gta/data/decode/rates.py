"""Frames per second on average, from the times of frames and the header of the file."""

from collections.abc import Sequence
from itertools import pairwise

from av.container import InputContainer
from av.video.stream import VideoStream

from gta.data.decode.opening import is_kind

_CLOSE = 0.5
"""Frames by which the times may differ from the header's rate in all: they are rounded."""
_JUMP = 10.0
"""Seconds between two frames beyond which broadcast streams count anew."""


def average_rate(
    container: InputContainer, stream: VideoStream, times: Sequence[int]
) -> float | None:
    """The header's rate where the times agree with it, else that of the times; None: neither.

    Args:
        container: The file.
        stream: Its video.
        times: Of the frames, rising, in units of the stream; empty where they are not known.
    """
    header = float(stream.average_rate) if stream.average_rate else None
    if len(times) < 2 or not stream.time_base:
        return header
    gaps, span = len(times) - 1, float((times[-1] - times[0]) * stream.time_base)
    if is_kind(container, "mpegts", "mpeg"):
        jumps = [b - a for a, b in pairwise(times) if (b - a) * stream.time_base > _JUMP]
        gaps, span = gaps - len(jumps), span - float(sum(jumps) * stream.time_base)
    if span <= 0 or (header is not None and abs(span * header - gaps) <= _CLOSE):
        return header
    return gaps / span
