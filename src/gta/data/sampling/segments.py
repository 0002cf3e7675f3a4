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

import numpy as np


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
        stride: Frames from one to the next.
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
