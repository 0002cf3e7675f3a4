"""Sampling by name: which frames a training clip or a view shows, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gta.data.sampling.public import (
    pyslowfast_indices,
    pyslowfast_ssv2_indices,
    tsm_dense_indices,
    tsm_twice_indices,
    tsm_validation_indices,
)
from gta.data.sampling.segments import dense_indices, segment_indices
from gta.errors import UsageError
from gta.sampling_modes import BY_TIME, Mode, stride_mistake, views_mistake

Order = Literal["forward", "reversed", "shuffled", "frozen"]
"""Of the frames of a clip; all but the first take from a model what it knows of time."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """A mode and, where it has one, its stride.

    Raises:
        UsageError: There is no such mode, or the stride does not go with it.
    """

    mode: Mode = "segments"
    stride: int | None = None

    def __post_init__(self):
        if self.mode not in get_args(Mode):
            raise UsageError(
                f"sampling={self.mode!r} is not possible; it is one of {', '.join(get_args(Mode))}."
            )
        mistake = stride_mistake(self.mode, self.stride)
        if mistake is not None:
            raise UsageError(mistake)

    @property
    def by_time(self) -> bool:
        """Whether the frames depend on the video's frame rate."""
        return self.mode in BY_TIME

    def __call__(
        self,
        num_frames: int,
        clip_frames: int,
        *,
        fps: float | None = None,
        rng: np.random.Generator | None = None,
        view: int = 0,
        num_views: int = 1,
    ) -> list[int]:
        """The frames of a training clip (with `rng`) or of one of `num_views` views.

        Args:
            num_frames: Of the video.
            clip_frames: Of the clip.
            fps: Frame rate of the video, for modes that go `by_time`; None: that of the stride, 30.
            rng: Draws a training clip.
            view: Which view, from 0.
            num_views: Views of a video.

        Raises:
            UsageError: The mode has fewer views.
        """
        n, S, stride = num_frames, clip_frames, self.stride or 1
        views = {"view": view, "num_views": num_views}
        match self.mode:
            case "segments":
                return segment_indices(n, S, rng=rng, **views)
            case "dense":
                return dense_indices(n, S, stride, rng=rng, **views)
            case "tsm_dense":
                return tsm_dense_indices(n, S, rng=rng, **views)
            case "pyslowfast" | "pyslowfast_offset":
                offset = self.mode == "pyslowfast_offset"
                rate = fps or 30.0
                return pyslowfast_indices(
                    n, S, stride, fps=rate, rng=rng, use_offset=offset, **views
                )
        mistake = views_mistake(self.mode, num_views)
        if mistake is not None:
            raise UsageError(mistake)
        if self.mode == "pyslowfast_ssv2":
            return pyslowfast_ssv2_indices(n, S, rng=rng)
        if rng is not None:
            return segment_indices(n, S, rng=rng)
        if self.mode == "tsm_twice":
            return tsm_twice_indices(n, S, view=view)
        return tsm_validation_indices(n, S)


def in_order(indices: Sequence[int], order: Order, rng: np.random.Generator) -> list[int]:
    """Frames of a clip in another order.

    Args:
        indices: Frames, ascending.
        order: "forward": as they are. "reversed": from the last to the first. "shuffled": a random
            order that is neither, where there are three frames or more. "frozen": the middle frame
            throughout.
        rng: Draws the random order.
    """
    frames = list(indices)
    if order == "reversed":
        return frames[::-1]
    if order == "frozen":
        return [frames[len(frames) // 2]] * len(frames)
    if order == "shuffled":
        positions = list(range(len(frames)))
        shuffled = positions
        while len(positions) > 2 and shuffled in (positions, positions[::-1]):
            shuffled = rng.permutation(len(frames)).tolist()
        return [frames[i] for i in shuffled]
    return frames
