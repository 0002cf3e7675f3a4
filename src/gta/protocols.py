"""Evaluation protocols by name: which views of a video are scored, and what is averaged.

A name is `<crops>x<clips>-<region><size>[@<resize>][+flip]`:

    1x1-center224      1 crop, 1 clip: frames resized to exactly 240x320 (height x width), then the
                       central 224x224, as in TSN and TSM
    1x1-center256      the central 256x256 of frames whose short side is 256
    1x1-center112@128  the central 112x112 of frames whose short side is 128
    3x2-full256        3 crops along the long side, which cover the frame, and 2 clips
    3x10-256           the same as 3x10-full256
    1x1-left256        the left (or top) 256x256: PySlowFast's single crop on Something-Something,
                       for comparison with its numbers
    1x2-center160@176+flip  each view is also mirrored, except for classes with a direction in
                       their names, whose mirror images are of another class

Clips cover the whole video, and differ as long as it has enough frames (`gta.data.sampling`). The
scores of a video are the mean of the probabilities of its views, in all protocols.
"""

import re
from dataclasses import dataclass

from gta.errors import UsageError

_NAME = re.compile(r"(\d+)x(\d+)-(center|left|full|)(\d+)(?:@(\d+))?(\+flip)?")
_TSN = (240, 320)
_PLACES = {"center": (1,), "left": (0,), "full": (0, 1, 2)}


@dataclass(frozen=True, slots=True)
class Protocol:
    """The views of one video: `num_clips` in time, each in `num_crops` places."""

    name: str
    places: tuple[int, ...]
    """The crops along the longer side: 0 left or top, 1 center, 2 right or bottom."""
    num_clips: int
    size: int
    """Height and width of a view in pixels."""
    resize: int | tuple[int, int]
    """Size of frames before the crop: the short side, or exactly (height, width)."""
    flip: bool = False
    """Whether each view is also mirrored."""

    @property
    def num_crops(self) -> int:
        return len(self.places)

    @property
    def num_views(self) -> int:
        """The largest number of views: classes with a direction are not mirrored."""
        return self.num_crops * self.num_clips * (1 + self.flip)

    @property
    def middle_view(self) -> int:
        """The number of the middle crop of the middle clip, used where a single view is shown."""
        return self.num_clips // 2 * self.num_crops + self.num_crops // 2

    def __str__(self) -> str:
        return f"{self.name} ({self.num_views} view{'s' * (self.num_views > 1)}, probabilities)"


def parse_protocol(name: str | Protocol) -> Protocol:
    """The protocol of a name; a protocol is returned unchanged.

    Raises:
        UsageError: It is not a name, cannot be parsed, or combines parts that do not fit.
    """
    if isinstance(name, Protocol):
        return name
    if not isinstance(name, str):
        raise UsageError(f"a protocol is a name such as '3x2-full256'; got {name!r}")
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(
            f"{name!r} is not an evaluation protocol. Its form is crops x clips, region and size: "
            f"1x1-center224, 1x1-center256, 3x2-full256, 3x10-256; 1x1-center112@128 resizes the "
            f"short side to 128 first, and +flip at the end adds mirror images."
        )
    crops, clips, size = int(match[1]), int(match[2]), int(match[4])
    region, resize = match[3] or "full", int(match[5] or size)
    if len(_PLACES[region]) != crops or clips < 1 or size < 1:
        raise UsageError(
            f"{name!r}: `center` and `left` go with 1 crop and `full` with 3, and there is at "
            f"least 1 clip; for example 1x{max(clips, 1)}-center{size} or "
            f"3x{max(clips, 1)}-full{size}."
        )
    if resize < size:
        raise UsageError(f"{name!r}: a crop of {size} does not fit into a short side of {resize}.")
    exact = region == "center" and size == 224 and match[5] is None
    return Protocol(name, _PLACES[region], clips, size, _TSN if exact else resize, bool(match[6]))
