"""The names and rules of sampling modes; `gta.data.sampling` computes the frames.

This module does not import NumPy, so that recipes are checked quickly by the rules of data sets.
"""

from typing import Literal

Mode = Literal[
    "segments",
    "dense",
    "tsm_validation",
    "tsm_twice",
    "tsm_dense",
    "pyslowfast",
    "pyslowfast_offset",
    "pyslowfast_ssv2",
]
"""`segments` and `dense` are this package's own, the others those of `gta.data.sampling.public`."""

STRIDED = ("dense", "pyslowfast", "pyslowfast_offset")
"""Modes that need a stride."""
BY_TIME = ("pyslowfast", "pyslowfast_offset")
"""Modes whose frames depend on the frame rate of the video."""
MOST_VIEWS = {"tsm_validation": 1, "tsm_twice": 2, "pyslowfast_ssv2": 1}
"""Most views of a video, in modes with a limit."""


def stride_mistake(mode: Mode, stride: int | None) -> str | None:
    """What is wrong with a mode and its stride, or None."""
    if (mode in STRIDED) == (stride is not None):
        return None
    return f"sampling={mode} {'needs a' if mode in STRIDED else 'has no'} stride, got {stride}"


def views_mistake(mode: Mode, num_views: int) -> str | None:
    """What is wrong with a number of temporal views per video, or None."""
    most = MOST_VIEWS.get(mode, num_views)
    if num_views <= most:
        return None
    return (
        f"clip.sampling={mode} has {most} clip{'s' * (most > 1)} of a video, and the "
        f"protocol asks for {num_views}; use another protocol or clip.sampling=segments."
    )
