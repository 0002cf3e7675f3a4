"""The conclusions of a probe, in sentences, and the conditions for them.

A conclusion about videos needs a model that has learned from them: it must beat the constant answer
of the most frequent class and, if classes are each other backwards, every model that is blind to
the order of frames. And "no difference" needs a narrow interval.
"""

from collections.abc import Sequence

from torch import Tensor

from gta.evaluation.backwards import Pair, PairAccuracy
from gta.evaluation.comparison import SIGNIFICANCE_LEVEL, Difference
from gta.evaluation.significance import wilson_interval

MARGIN = 0.05
"""A loss of top-1 is negligible if the whole interval of the difference is above this."""
BLIND_BUILD = (
    "This network is blind to the order of frames: its scores are the same for any order. To "
    "measure what the order is worth, probe a network that is not, such as a GTA model trained on "
    "the same data."
)
BLIND_UNLEARNED = (
    "This model gives the same scores for any order of frames, although its network could "
    "distinguish them: training has not taught it to use the order. Nothing follows about the "
    "videos."
)
_SHOWN = 3


def classes_without_videos(classes: Sequence[str], labels: Tensor) -> list[str]:
    """Says how many classes have no video here, if there are any."""
    missing = len(classes) - len(labels.unique())
    return [f"Of {missing} of {len(classes)} classes there is no video here."] if missing else []


def no_better_than_majority(correct: Tensor, labels: Tensor, classes: Sequence[str]) -> str | None:
    """Says that a model is no better than the most frequent class; None if it is.

    Args:
        correct: Whether each video is classified correctly in order, bool (N,).
        labels: int64 (N,).
        classes: Names.
    """
    counts = labels.bincount()
    share = counts.max().item() / len(labels)
    low, high = wilson_interval(int(correct.sum()), len(labels))
    if low > share:
        return None
    accuracy = correct.double().mean().item()
    return (
        f"No verdict: in order {accuracy:.1%} of {len(labels)} videos are right ({100 * low:.1f} "
        f"to {100 * high:.1f}), and the most frequent class, {classes[int(counts.argmax())]!r}, "
        f"as a constant answer, would be right on {share:.1%}. A model that has not learned its "
        f"classes says nothing about the videos; train it longer, or probe more videos."
    )


def no_better_than_order_blind(
    correct: Tensor, opposites: PairAccuracy, labels: Tensor, pairs: Sequence[Pair]
) -> str | None:
    """Says that a model does not distinguish classes from their opposites; None if it does.

    Args:
        correct: Whether each video is classified correctly in order, bool (N,).
        opposites: The accuracy within `pairs`.
        labels: int64 (N,).
        pairs: Labels of classes that are each other backwards.
    """
    bound = order_blind_bound(labels, pairs)
    low, high = wilson_interval(int(correct.sum()), len(labels))
    if opposites.pairs == 0 or opposites.beats_bound or low > bound:
        return None
    accuracy = correct.double().mean().item()
    within = "none of their videos is classified as a class of its pair"
    if opposites.videos:
        within = f"it distinguishes them in {opposites.accuracy:.1%} of {opposites.videos} videos"
    return (
        f"No verdict: by their names, {_count(opposites.pairs, 'pair')} of classes are each other "
        f"backwards, and {within}. A model that is blind to the order of frames could have "
        f"{bound:.1%} of all videos right; this model has {accuracy:.1%} ({100 * low:.1f} to "
        f"{100 * high:.1f}). It has not learned from the order, so it does not show whether these "
        f"videos need it."
    )


def order_blind_bound(labels: Tensor, pairs: Sequence[Pair]) -> float:
    """The highest top-1, 0 to 1, of a model that is blind to the order of frames."""
    counts = labels.bincount(minlength=1 + max((max(pair) for pair in pairs), default=0)).tolist()
    lost = sum(min(counts[a], counts[b]) for a, b in pairs)
    return 1 - lost / len(labels)


def about_order(shuffled: Difference, mixed: Sequence[tuple[str, str]] = ()) -> str:
    """Whether shuffling does harm. `mixed`: classes that are not distinguished in order either."""
    if is_significant_loss(shuffled):
        return (
            f"The order of frames matters to this model: shuffled, {points(shuffled)} of "
            f"{shuffled.a:.1%} are lost (p = {shuffled.p:.2g})."
        )
    change = f"shuffled, its top-1 changes by {100 * shuffled.gain:+.1f} points {_ends(shuffled)}"
    if mixed:
        return f"No verdict on the order of frames: {change}, but {_mixed(mixed)}"
    if shuffled.low > -MARGIN:
        return (
            f"No sign that the order of frames matters to this model: {change} on "
            f"{shuffled.videos} videos. A model without attention over time may do as well."
        )
    return f"No verdict on the order of frames: {change}, and {_few(shuffled)}."


def about_frozen(frozen: Difference, mixed: Sequence[tuple[str, str]] = ()) -> str:
    """The accuracy on one frame, repeated."""
    start = f"One frame alone gives {frozen.b:.1%} of {frozen.a:.1%}"
    if is_significant_loss(frozen):
        return f"{start}: the rest needs several frames."
    if mixed:
        return f"{start}; whether more frames would help is open, as above."
    if frozen.low > -MARGIN:
        return f"{start}: it is enough for this model."
    return f"{start}, a change of {_ends(frozen)[1:-1]} points: {_few(frozen)}."


def is_significant_loss(difference: Difference) -> bool:
    """Whether the disturbance does significant harm."""
    return difference.p < SIGNIFICANCE_LEVEL and difference.gain < 0


def points(difference: Difference) -> str:
    """The size of a difference, with its interval."""
    low, high = sorted(abs(100 * end) for end in (difference.low, difference.high))
    return f"{abs(100 * difference.gain):.1f} points ({low:.1f} to {high:.1f})"


def _ends(difference: Difference) -> str:
    return f"({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"


def _few(difference: Difference) -> str:
    return f"{_count(difference.videos, 'video')} are too few to rule out a loss of {MARGIN:.0%}"


def _mixed(mixed: Sequence[tuple[str, str]]) -> str:
    names = "; ".join(f"{a!r} from {b!r}" for a, b in mixed[:_SHOWN])
    more = f" and {len(mixed) - _SHOWN} more pairs" if len(mixed) > _SHOWN else ""
    return (
        f"it does not distinguish {names}{more}. If they are each other backwards, the order is "
        f"what it has not learned."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
