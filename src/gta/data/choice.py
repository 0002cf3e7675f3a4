"""Which frames of a video are wanted."""

from collections.abc import Callable, Sequence

from gta.errors import VideoError

from .sources import Readable

Choice = Sequence[int] | Callable[[int], Sequence[int]] | None
"""Numbers of frames, or what tells them from the number of all, or None: all."""


def chosen(source: Readable, choice: Choice, num_frames: int) -> list[int]:
    """The frames of a video that are wanted.

    Raises:
        VideoError: It has no such frame.
    """
    if choice is None:
        return list(range(num_frames))
    wanted = [int(i) for i in (choice(num_frames) if callable(choice) else choice)]
    for i in wanted:
        if not 0 <= i < num_frames:
            raise VideoError(str(source), f"frame {i} was asked for; it has {num_frames} (from 0)")
    return wanted
