"""Which frames of a video a clip shows: integers in, integers out.

A video of n frames is cut into S equal segments; a clip shows one frame of each (temporal segment
networks, Wang et al. 2016). n = 16, S = 4, `x` the frame taken:

    training          |. x . .|. . . x|x . . .|. . x .|     anywhere in each segment
    testing           |. . x .|. . x .|. . x .|. . x .|     the center of each
    view 0 of 2       |. x . .|. x . .|. x . .|. x . .|     a quarter into each
    view 1 of 2       |. . . x|. . . x|. . . x|. . . x|     three quarters into each

A dense clip shows every `stride`-th frame of a part of the video instead. n = 16, S = 4, stride 2:

    training           . . . x . x . x . x . . . . . .      anywhere
    testing            . . . . x . x . x . x . . . . .      the center
    view 0 of 2        x . x . x . x . . . . . . . . .      from the first frame
    view 1 of 2        . . . . . . . . . x . x . x . x      to the last
"""

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
from gta.errors import UsageError
from gta.sampling_modes import BY_TIME, Mode, stride_mistake, views_mistake

Order = Literal["forward", "reversed", "shuffled", "frozen"]
"""Of the frames of a clip; all but the first take from a model what it knows of time."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """A mode and, where it has any, its stride.

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


def segment_indices(
    num_frames: int,
    num_segments: int,
    *,
    rng: np.random.Generator | None = None,
    view: int = 0,
    num_views: int = 1,
) -> list[int]:
    """One frame index for each segment, in order.

    With `rng` segments are n // S frames long, and trailing frames beyond S * (n // S) are never
    drawn, as in the TSM code. Without, frame s is floor(n * (s + p) / S) with p = (view + 1/2) /
    num_views: for one view the center of each segment, TSM's test rule. A video of fewer frames
    than segments repeats frames in order, in training too (where TSM repeats the first alone).

    Args:
        num_frames: n, of the video.
        num_segments: S, the frames of the clip.
        rng: Draws a training clip; None takes the fixed positions of `view`.
        view: Which of `num_views` temporal views, from 0.
        num_views: Views share the segments evenly, so they differ where n >= S * num_views.

    Raises:
        ValueError: No frames, no segments, or a view that does not exist.
    """
    if num_frames < 1 or num_segments < 1:
        raise ValueError(
            f"cannot take {num_segments} frames of a video of {num_frames}; both must be at least 1"
        )
    if not 0 <= view < num_views:
        raise ValueError(f"view {view} does not exist: num_views={num_views}, counted from 0")
    length = num_frames // num_segments
    if rng is not None and length > 0:
        offsets = rng.integers(length, size=num_segments)
        return [segment * length + int(offset) for segment, offset in enumerate(offsets)]
    # floor(n * (s + p) / S) in integers, free of rounding
    return [
        num_frames * (2 * num_views * segment + 2 * view + 1) // (2 * num_views * num_segments)
        for segment in range(num_segments)
    ]


def dense_indices(
    num_frames: int,
    clip_frames: int,
    stride: int,
    *,
    rng: np.random.Generator | None = None,
    view: int = 0,
    num_views: int = 1,
) -> list[int]:
    """Every `stride`-th frame from a start on.

    The starts of views are evenly spaced from the first frame to the last possible start. Where a
    video is shorter than the clip, its last frame is repeated.

    Args:
        num_frames: n, of the video.
        clip_frames: S, the frames of the clip.
        stride: Frames from each frame to the next.
        rng: Draws the start of a training clip; None takes the fixed one of `view`.
        view: Which of `num_views` temporal views, from 0.
        num_views: Views differ where n >= S * stride + num_views.

    Raises:
        ValueError: No frames, no stride, or a view that does not exist.
    """
    if min(num_frames, clip_frames, stride) < 1:
        raise ValueError(
            f"cannot take {clip_frames} frames, {stride} apart, of a video of {num_frames}; all "
            f"three must be at least 1"
        )
    if not 0 <= view < num_views:
        raise ValueError(f"view {view} does not exist: num_views={num_views}, counted from 0")
    free = max(num_frames - 1 - (clip_frames - 1) * stride, 0)
    if rng is not None:
        start = int(rng.integers(free + 1))
    else:
        start = free * view // (num_views - 1) if num_views > 1 else free // 2
    return [min(start + i * stride, num_frames - 1) for i in range(clip_frames)]


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
