"""From the scores of windows to segments of a video: label, start, end, score."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from gta.errors import UsageError, nearest


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a video in which the same thing happens."""

    label: str
    start: float
    """Seconds from the first frame."""
    end: float
    score: float
    """The mean probability of its class in it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is said, and what is not.

    Raises:
        UsageError: A number is out of its range.
    """

    smoothing: float = 0.0
    """Seconds over which probabilities are averaged."""
    least: float = 0.0
    """Seconds: what is shorter goes to the segment before it."""
    threshold: float = 0.0
    """Probability below which nothing is said."""
    background: tuple[str, ...] = ()
    """Classes that mean nothing: no segment is made of them."""

    def __post_init__(self):
        for name in ("smoothing", "least"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise UsageError(f"{name} is a number of seconds, 0 or more; got {value!r}")
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"threshold is a probability, from 0 to 1; got {self.threshold!r}")


@dataclass(slots=True)
class _Run:
    """Windows in a row with the same answer."""

    label: int | None
    start: float
    end: float
    total: float
    """Of the probabilities of its class."""
    count: int


def segments_of(
    windows: Iterable[tuple[float, Tensor]],
    classes: Sequence[str],
    rules: Rules,
    *,
    stride: float,
    duration: Callable[[], float],
) -> Iterator[Segment]:
    """Segments in order; memory does not grow with the number of windows.

    A change is where the probabilities of the two classes, drawn as lines between the centers of
    windows, cross.

    Args:
        windows: (center in seconds, probabilities (num_classes,)) in order.
        classes: Their names.
        rules: What is said.
        stride: Seconds between windows.
        duration: Of the video in seconds; asked for after the last window.

    Raises:
        UsageError: The background is no class.
    """
    for name in rules.background:
        if name not in classes:
            raise UsageError(
                f"background {name!r} is no class of this model.{nearest(name, list(classes))}"
            )
    background = {classes.index(name) for name in rules.background}
    smooth = _smoothed(windows, int(rules.smoothing / 2 / stride + 1e-9))
    for run in _kept(_runs(smooth, background, rules.threshold, duration), rules.least):
        if run.label is not None:
            yield Segment(classes[run.label], run.start, run.end, run.total / run.count)


def _smoothed(
    windows: Iterable[tuple[float, Tensor]], reach: int
) -> Iterator[tuple[float, Tensor]]:
    """Each window's probabilities averaged with those of `reach` windows on both sides."""
    if not reach:
        yield from windows
        return
    around: deque[tuple[float, Tensor]] = deque()
    place = 0  # of the window in `around` that is next
    for window in windows:
        around.append(window)
        if len(around) - 1 - place == reach:
            yield _mean(around, place, reach)
            place += 1
            if place > reach:
                around.popleft()
                place -= 1
    while place < len(around):
        yield _mean(around, place, reach)
        place += 1


def _mean(around: deque[tuple[float, Tensor]], place: int, reach: int) -> tuple[float, Tensor]:
    near = [scores for _, scores in list(around)[max(place - reach, 0) : place + reach + 1]]
    return around[place][0], sum(near[1:], near[0]) / len(near)


def _runs(
    windows: Iterable[tuple[float, Tensor]],
    background: set[int],
    threshold: float,
    duration: Callable[[], float],
) -> Iterator[_Run]:
    run: _Run | None = None
    before: tuple[float, Tensor] | None = None
    for center, scores in windows:
        best = int(scores.argmax())
        label = None if best in background or scores[best] < threshold else best
        score = float(scores[best])
        if run is None or before is None:
            run = _Run(label, 0.0, center, score, 1)
        elif label == run.label:
            run.end, run.total, run.count = center, run.total + score, run.count + 1
        else:
            change = _crossing(before, (center, scores))
            run.end = change
            yield run
            run = _Run(label, change, center, score, 1)
        before = center, scores
    if run is not None:
        run.end = max(duration(), run.start)
        yield run


def _crossing(before: tuple[float, Tensor], after: tuple[float, Tensor]) -> float:
    """When the class of the earlier window is as probable as that of the later window."""
    a, b = int(before[1].argmax()), int(after[1].argmax())
    lead, loss = float(before[1][a] - before[1][b]), float(after[1][b] - after[1][a])
    part = lead / (lead + loss) if lead + loss > 0 else 0.5
    return before[0] + part * (after[0] - before[0])


def _kept(runs: Iterator[_Run], least: float) -> Iterator[_Run]:
    """Runs that are long enough; a shorter run goes to the run before, the first to the next."""
    kept: _Run | None = None
    for run in runs:
        if kept is None:
            kept = run
        elif run.label == kept.label:
            kept.end, kept.total, kept.count = (
                run.end,
                kept.total + run.total,
                kept.count + run.count,
            )
        elif run.end - run.start < least:
            kept.end = run.end
        elif kept.end - kept.start < least:
            run.start, kept = kept.start, run
        else:
            yield kept
            kept = run
    if kept is not None:
        yield kept
