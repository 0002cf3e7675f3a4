"""The timeline of a long video: decoded once, in order, and scored window by window."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import Path

from torch import Tensor

from gta.config import Clip
from gta.data.ahead import ahead, batches
from gta.data.decode import frames_in_order
from gta.data.decode.in_order import USUAL_RATE, Passage, TimedFrame
from gta.data.records import Video
from gta.data.spent import Spent
from gta.data.transforms.clip import ViewTransform, stacked
from gta.errors import UsageError
from gta.predict.segments import Rules, segments_of
from gta.predict.timeline import Timeline
from gta.predict.windows import grid_of, slots_of, windows_of

Progress = Callable[[float, float | None], None]
_AHEAD = 2
"""Batches of windows that are decoded while another is scored."""


def timeline_of(
    video: Video | Tensor,
    *,
    scores: Callable[[Tensor], Tensor],
    transform: ViewTransform,
    clip: Clip,
    classes: Sequence[str],
    window: float | None,
    stride: float | None,
    smoothing: float | None,
    rules: Rules,
    fps: float | None,
    batch_size: int,
    spent: Spent,
    progress: Progress | None = None,
    about: dict[str, str] | None = None,
) -> Timeline:
    """See `Predictor.timeline`.

    Args:
        video: A file or pictures; or frames, uint8 (T, 3, H, W).
        scores: Probabilities (B, num_classes) of windows (B, crops, 3, T, H, W).
        transform: Of frames.
        clip: Of the recipe.
        classes: Their names.
        window: In seconds, as are
        stride: and
        smoothing: these; None: as `Predictor.timeline` says.
        rules: What is said, but for the smoothing.
        fps: In place of the times of the file.
        batch_size: Windows at a time.
        spent: Is told how long the stages take.
        progress: Is told how far it is.
        about: Of the model, kept with the timeline.
    """
    passage = Passage()
    frames = _frames(video, passage, fps)
    first = next(frames)  # then the rate is known
    grid = grid_of(clip, passage.rate, window=window, stride=stride)
    smoothing = grid.window / 2 if smoothing is None else smoothing
    rules = replace(rules, smoothing=smoothing)
    slots = slots_of(_again(first, frames), grid, transform, passage, spent)
    made = batches(windows_of(slots, grid), batch_size)

    def scored() -> Iterator[tuple[float, Tensor]]:
        decoding = ahead(lambda _: next(made, None), repeat(None), threads=1, most=_AHEAD)
        for _, batch in decoding:
            if isinstance(batch, UsageError):
                raise batch
            if batch is None:
                return
            began = time.perf_counter()
            probabilities = scores(stacked([clip for _, clip in batch])).cpu()
            spent.network += time.perf_counter() - began
            spent.clips += len(batch) * transform.num_crops
            if not probabilities.isfinite().all():
                raise UsageError("the scores are not finite: the weights are broken; try --best")
            yield from zip([center for center, _ in batch], probabilities, strict=True)
            if progress is not None:
                progress(batch[-1][0], passage.expected)

    segments = segments_of(
        scored(), classes, rules, stride=grid.stride_seconds, duration=lambda: passage.duration
    )
    listed = list(segments)
    return Timeline(
        path=Path(str(video.path)) if isinstance(video, Video) else Path("frames in memory"),
        segments=listed,
        duration=passage.duration,
        rate=passage.rate,
        window=grid.window,
        stride=grid.stride_seconds,
        damage=passage.damage,
        cut_off=passage.cut_off,
        about=about or {},
    )


def _frames(video: Video | Tensor, passage: Passage, fps: float | None) -> Iterator[TimedFrame]:
    if isinstance(video, Video):
        yield from frames_in_order(video.path, passage, fps=fps or video.fps)
        return
    passage.rate = fps or USUAL_RATE
    passage.expected = len(video) / passage.rate
    for number, frame in enumerate(video):
        passage.duration = (number + 1) / passage.rate
        yield TimedFrame(number / passage.rate, partial(_image, frame))


def _image(frame: Tensor):
    return frame.permute(1, 2, 0).numpy()


def _again(first: TimedFrame, frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
    yield first
    yield from frames
