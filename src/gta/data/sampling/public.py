"""The frames that public projects take, to the integer, for numbers that are to be compared.

Each rule is a function of the video's length; `segment_indices` and `dense_indices` are this
package's own. What a project computes in floating point is computed so here, in its order and its
precision: exact arithmetic would be off by a frame where a product falls short of a whole number.
Axes: n frames of the video, S frames of the clip. Indices count from 0.
"""

import math
from itertools import pairwise

import numpy as np
import torch

TSM_WINDOW = 64
"""Frames that a dense clip of the TSM repository spans."""


def tsm_validation_indices(num_frames: int, num_segments: int) -> list[int]:
    """TSM while training: the center of each segment; frame 0 throughout where n <= S."""
    if num_frames <= num_segments:
        return [0] * num_segments
    return tsm_twice_indices(num_frames, num_segments, view=0)


def tsm_twice_indices(num_frames: int, num_segments: int, *, view: int) -> list[int]:
    """TSM's `--twice_sample`: view 0 takes the centers of the segments, view 1 their beginnings.

    View 0 is its test without that option. In double precision a center may be a frame before that
    of `segment_indices` where S is no power of two.
    """
    length = num_frames / num_segments
    start = length / 2 if view == 0 else 0.0
    return [int(start + length * segment) for segment in range(num_segments)]


def tsm_dense_indices(
    num_frames: int,
    num_segments: int,
    *,
    rng: np.random.Generator | None = None,
    view: int = 0,
    num_views: int = 10,
) -> list[int]:
    """TSM's dense clips: 64 // S frames apart, going on at the start where the video ends.

    Test clips start at `linspace(0, n - 64, num_views)`, truncated; training never draws the last
    start.
    """
    starts = max(1, 1 + num_frames - TSM_WINDOW)
    if rng is not None:
        start = 0 if starts == 1 else int(rng.integers(starts - 1))
    else:
        start = int(np.linspace(0, starts - 1, num_views)[view])
    stride = TSM_WINDOW // num_segments
    return [(start + i * stride) % num_frames for i in range(num_segments)]


def pyslowfast_ssv2_indices(
    num_frames: int, num_segments: int, *, rng: np.random.Generator | None = None
) -> list[int]:
    """PySlowFast on Something-Something: one frame of each of S parts of [0, n - 1].

    The parts' ends are rounded, half to even; tests take the middle, training any frame from one
    end to the other, which belongs to the next part too.
    """
    length = (num_frames - 1) / num_segments
    ends = [round(length * i) for i in range(num_segments + 1)]
    if rng is None:
        return [(start + end) // 2 for start, end in pairwise(ends)]
    return [int(rng.integers(s, e + 1)) for s, e in pairwise(ends)]


def pyslowfast_indices(
    num_frames: int,
    clip_frames: int,
    stride: int,
    *,
    fps: float = 30.0,
    target_fps: float = 30.0,
    rng: np.random.Generator | None = None,
    view: int = 0,
    num_views: int = 1,
    use_offset: bool = False,
) -> list[int]:
    """PySlowFast on Kinetics: a clip of as many seconds at any frame rate.

    Its frames are evenly spaced in torch's single precision, then truncated.

    Args:
        num_frames: n.
        clip_frames: S.
        stride: Frames from each frame to the next at `target_fps`.
        fps: Of the video.
        target_fps: The rate to which the stride refers.
        rng: Draws the start of a training clip; None takes the fixed one of `view`.
        view: Which of `num_views` test clips.
        num_views: Test clips.
        use_offset: Whole steps that reach the end of the video; without, the last clip stops short
            of it.
    """
    size = max(1.0, stride * clip_frames / target_fps * fps)
    free = max(num_frames - size, 0)
    if rng is not None:
        start = rng.uniform(0, free)
    elif not use_offset:
        start = free * view / num_views
    elif num_views == 1:
        start = math.floor(free / 2)
    else:
        start = view * math.floor(free / (num_views - 1))
    positions = torch.linspace(start, start + size - 1, clip_frames, device="cpu")
    return positions.clamp(0, num_frames - 1).long().tolist()
