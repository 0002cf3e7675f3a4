"""How copies are made."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from gta.data.transforms.clip import Resize
from gta.errors import UsageError

Form = Literal["video", "jpeg"]
FORMS: tuple[Form, ...] = get_args(Form)
_QUALITY = {"video": (23, 0, 51), "jpeg": (85, 1, 95)}
"""Default, least and most: x264's crf, where less is better; JPEG's quality, where more is."""


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of `prepare`; all copies of a prepared data set have the same.

    Raises:
        UsageError: A value that is not possible.
    """

    form: Form = "video"
    """H.264 in MP4, or a JPEG for each frame."""
    resize: Resize = 256
    """The short side in pixels, or exactly (height, width); frames are never enlarged."""
    key_frames: int = 1
    """Of a video, every so many-th frame can be decoded without others."""
    quality: int | None = None
    """x264's crf or JPEG's quality; None: 23 and 85."""
    shards: bool = False
    """Put the copies into tar files."""
    shard_mb: int = 1000
    """Size of a shard in 10^6 bytes; the last of a split is smaller."""

    def __post_init__(self):
        if self.form not in FORMS:
            raise UsageError(f"--as {self.form} is not possible; it is {' or '.join(FORMS)}.")
        sides = self.resize if isinstance(self.resize, tuple) else (self.resize,)
        if any(side is not None and side < 2 for side in sides):
            raise UsageError(f"--resize {self.resize} is not possible; sides are 2 pixels or more.")
        for name, value in (("key-frames", self.key_frames), ("shard-mb", self.shard_mb)):
            if value < 1:
                raise UsageError(f"--{name} {value} is not possible; it is at least 1.")
        default, least, most = _QUALITY[self.form]
        if self.quality is None:
            object.__setattr__(self, "quality", default)
        elif not least <= self.quality <= most:
            raise UsageError(
                f"--quality {self.quality} is not possible; with --as {self.form} it is {least} to "
                f"{most}."
            )

    @property
    def better_quality(self) -> int | None:
        """A quality that takes some two thirds more of the disk; None: this is the best."""
        _, least, most = _QUALITY[self.form]
        now = self.quality or 0
        better = max(now - 5, least) if self.form == "video" else min(now + 10, most)
        return better if better != now else None

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the copy of a frame. H.264 needs even numbers."""
        if isinstance(self.resize, tuple):
            fits = self.resize[0] <= height and self.resize[1] <= width
            height, width = self.resize if fits else (height, width)
        elif self.resize is not None and self.resize < min(height, width):
            short, side = min(height, width), self.resize
            height, width = (
                side if length == short else int(side * length / short)
                for length in (height, width)
            )
        if self.form == "video":
            height, width = max(height - height % 2, 2), max(width - width % 2, 2)
        return height, width


def parse_resize(text: str) -> Resize:
    """Reads "256", "240x320" or "none", as `clip.resize` has them.

    Raises:
        UsageError: It is something else.
    """
    if text.lower() == "none":
        return None
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip().lower())
    if match is None:
        raise UsageError(
            f"--resize {text}: expected the short side in pixels, such as 256, or exactly height x "
            f"width, such as 240x320, or none"
        )
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])
