"""Which frames of a video are wanted."""

from collections.abc import Callable, Sequence
from operator import index

from gta.data.storage.sources import Readable
from gta.errors import UsageError, VideoError

Choice = Sequence[int] | Callable[[int], Sequence[int]] | None
"""Numbers of frames, or what tells them from the number of all, or None: all."""


def chosen(source: Readable, choice: Choice, num_frames: int) -> list[int]:
    """The frames of a video that are wanted.

    Raises:
        VideoError: It has no such frame.
        UsageError: They are not whole numbers.
    """
    if choice is None:
        return list(range(num_frames))
    given = choice(num_frames) if callable(choice) else choice
    try:
        wanted = [_whole(i) for i in given]
    except TypeError as error:
        raise UsageError(
            f"frames are asked for by a list of whole numbers, from 0, such as [0, 8, 16]; "
            f"got {given!r:.200}"
        ) from error
    if not wanted:
        raise UsageError("no frames were asked for: give their numbers, or None for all")
    for i in wanted:
        if not 0 <= i < num_frames:
            raise VideoError(str(source), f"frame {i} was asked for; it has {num_frames} (from 0)")
    return wanted


def _whole(number: object) -> int:
    """An integer of Python, NumPy or PyTorch, and nothing that would have to be rounded.

    Raises:
        TypeError: It is none.
    """
    if isinstance(number, bool) or str(getattr(number, "dtype", "")).endswith("bool"):
        raise TypeError
    if getattr(number, "ndim", 0):
        raise TypeError
    return index(number)  # pyright: ignore[reportArgumentType]
