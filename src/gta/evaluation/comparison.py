"""Two models on the same videos: is one better, by how much, and on which classes."""

from dataclasses import dataclass

import torch

from gta.errors import DataError
from gta.evaluation.scores import Scores
from gta.evaluation.significance import mcnemar_exact, paired_interval

SIGNIFICANCE_LEVEL = 0.05
"""A difference with a lower p-value is significant."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy of B minus that of A on the same videos."""

    videos: int
    a: float
    """Top-1 accuracy, 0 to 1."""
    b: float
    only_a: int
    """Videos that A alone classifies correctly."""
    only_b: int
    low: float
    """Ends of the 95 % interval of the difference (Newcombe's, for pairs), -1 to 1."""
    high: float
    p: float
    """McNemar's exact test, two-sided."""

    @property
    def gain(self) -> float:
        """-1 to 1."""
        return (self.only_b - self.only_a) / self.videos


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences over all videos and within each class with videos, the greatest gain first."""

    overall: Difference
    classes: list[tuple[str, Difference]]

    @property
    def conclusion(self) -> str:
        """The conclusion, in a sentence."""
        overall = self.overall
        if overall.only_a == overall.only_b == 0:
            return f"A and B are right on the same videos, {overall.a:.1%} of {overall.videos}."
        better, worse, sign = ("B", "A", 1) if overall.gain > 0 else ("A", "B", -1)
        low, high = sorted((100 * sign * overall.low, 100 * sign * overall.high))
        points = f"{100 * abs(overall.gain):.1f} points ({low:.1f} to {high:.1f})"
        chance = f"p = {overall.p:.2g}" if overall.p >= 1e-4 else "p < 0.0001"
        if overall.p < SIGNIFICANCE_LEVEL:
            return f"{better} is better than {worse} by {points}, {chance}."
        if overall.gain == 0:
            return (
                f"A and B are equally good on these {overall.videos} videos, and each is right on "
                f"{overall.only_a} that the other has wrong; the 95 % interval of the difference "
                f"is {low:.1f} to {high:.1f} points."
            )
        return (
            f"These {overall.videos} videos do not show which is better: {better} is ahead of "
            f"{worse} by {points}, {chance}."
        )

    @property
    def note(self) -> str:
        """How reliable the differences of classes are, in a sentence."""
        return (
            f"{self.num_significant} of {len(self.classes)} classes have a 95 % interval that "
            f"excludes 0; for two equally good models about "
            f"{SIGNIFICANCE_LEVEL * len(self.classes):.1f} would."
        )

    @property
    def num_significant(self) -> int:
        """Classes whose 95 % interval excludes 0."""
        return sum(change.low > 0 or change.high < 0 for _, change in self.classes)


def compare(a: Scores, b: Scores) -> Comparison:
    """Compares top-1 answers on the labeled videos.

    Args:
        a: Scores.
        b: Scores of the same videos, labels and classes in the same order:
            `score_files.read_matching`.

    Raises:
        DataError: No label is known.
    """
    if a.num_labeled == 0:
        raise DataError(
            "the videos of these scores have no labels, so no answer can be checked; compare "
            "scores of the validation videos"
        )
    correct_a, correct_b = a.correct(), b.correct()
    labels = a.labeled()[1]
    classes = [
        (a.classes[label], difference(correct_a[labels == label], correct_b[labels == label]))
        for label in labels.unique().tolist()
    ]
    classes.sort(key=lambda named: (-named[1].gain, named[0]))
    return Comparison(difference(correct_a, correct_b), classes)


def difference(correct_a: torch.Tensor, correct_b: torch.Tensor) -> Difference:
    """The difference of two models on the same videos, from bool (N,): right or not."""
    total = len(correct_a)
    both, only_a = int((correct_a & correct_b).sum()), int((correct_a & ~correct_b).sum())
    only_b = int((~correct_a & correct_b).sum())
    low, high = paired_interval(both, only_a, only_b, total - both - only_a - only_b)
    return Difference(
        videos=total,
        a=(both + only_a) / total,
        b=(both + only_b) / total,
        only_a=only_a,
        only_b=only_b,
        low=low,
        high=high,
        p=mcnemar_exact(only_a, only_b),
    )
