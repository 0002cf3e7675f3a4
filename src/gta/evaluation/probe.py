"""Does the data need time? A model's scores when the frames of its clips are disturbed."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gta.data.sampling import Order
from gta.errors import DataError
from gta.evaluation import verdict as words
from gta.evaluation.backwards import backward_pairs, confused_with_opposite, pair_accuracy
from gta.evaluation.comparison import SIGNIFICANCE_LEVEL, Difference, difference
from gta.evaluation.metrics import ranks
from gta.evaluation.scores import Scores


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A change of the frames of a clip."""

    name: str
    order: Order = "forward"
    keep_every: int = 1


IN_ORDER = Disturbance("in order")
DISTURBANCES = (
    Disturbance("reversed", "reversed"),
    Disturbance("shuffled", "shuffled"),
    Disturbance("frozen", "frozen"),
    Disturbance("rate / 2", keep_every=2),
    Disturbance("rate / 4", keep_every=4),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A model's answers to the same videos, undisturbed and disturbed."""

    labels: Tensor
    """int64 (N,), for the videos that could be read in every pass."""
    classes: list[str]
    answers: dict[str, Tensor]
    """Scores (N, num_classes) of "in order" and of each disturbance."""

    def change(self, name: str) -> Difference:
        """The effect of a disturbance: A is in order, B disturbed."""
        return difference(self.correct(IN_ORDER.name), self.correct(name))

    def correct(self, name: str) -> Tensor:
        """Whether each video is classified correctly, bool (N,)."""
        return ranks(self.answers[name], self.labels) == 1

    def by_class(self) -> list[dict[str, Any]]:
        """Accuracy of each class that has videos, in order and disturbed; most lost first.

        The loss is the `gain` of shuffled frames over frames in order, with its 95 % interval.
        """
        rows = list[dict[str, Any]]()
        correct = {name: self.correct(name) for name in self.answers}
        for label, name in enumerate(self.classes):
            of_class = self.labels == label
            if not of_class.any():
                continue
            change = difference(correct[IN_ORDER.name][of_class], correct["shuffled"][of_class])
            rows.append(
                {"class": name, "videos": change.videos}
                | {n: answer[of_class].double().mean().item() for n, answer in correct.items()}
                | {"gain": change.gain, "low": change.low, "high": change.high}
            )
        return sorted(rows, key=lambda row: row["gain"])

    @property
    def blind(self) -> bool:
        """Whether the order of frames makes no difference to this model's scores."""
        forward = self.answers[IN_ORDER.name]
        return all(
            torch.allclose(forward, self.answers[name], atol=1e-3)
            for name in ("reversed", "shuffled")
        )

    def verdict(self, *, sees_order: bool = True) -> list[str]:
        """The conclusions, in sentences; a model that has not learned its task allows none.

        Args:
            sees_order: Whether the network has parts that depend on the order of frames.
        """
        said = words.classes_without_videos(self.classes, self.labels)
        answers, labels = self.answers[IN_ORDER.name].argmax(1), self.labels
        if self.blind:
            said.append(words.BLIND_UNLEARNED if sees_order else words.BLIND_BUILD)
        correct = self.correct(IN_ORDER.name)
        guess = words.no_better_than_majority(correct, labels, self.classes)
        if guess is not None:
            return [*said, guess]
        pairs = backward_pairs(self.classes)
        unlearned = words.no_better_than_order_blind(
            correct, pair_accuracy(answers, labels, pairs), labels, pairs
        )
        if unlearned is not None:
            return [*said, unlearned]
        mixed = [
            (self.classes[a], self.classes[b]) for a, b in confused_with_opposite(answers, labels)
        ]
        frozen = words.about_frozen(self.change("frozen"), mixed)
        if self.blind:
            return [*said, frozen]
        said += [words.about_order(self.change("shuffled"), mixed), frozen]
        backwards = self.change("reversed")
        if words.is_significant_loss(backwards):
            said.append(f"Backwards it has {backwards.b:.1%} right{self._taken_backwards()}.")
        for name in (d.name for d in DISTURBANCES if d.keep_every > 1):
            slow = self.change(name)
            if slow.p < SIGNIFICANCE_LEVEL:
                change = "loses" if slow.gain < 0 else "gains"
                said.append(
                    f"At frame {name} it {change} {words.points(slow)}: do not mix frame rates."
                )
        return said

    def _taken_backwards(self) -> str:
        """The most frequent mistake on reversed frames."""
        turned = self.correct(IN_ORDER.name) & ~self.correct("reversed")
        answers = self.answers["reversed"].argmax(1)
        pairs = Counter(zip(self.labels[turned].tolist(), answers[turned].tolist(), strict=True))
        if not pairs:
            return ""
        ((label, answer), count), *_ = pairs.most_common(1)
        of_class = int((self.labels == label).sum())
        taken, other = self.classes[label], self.classes[answer]
        return f"; most often {taken!r} is then classified as {other!r}, {count} of {of_class}"


def probe(score: Callable[[Disturbance], Scores]) -> Probe:
    """Scores the videos once for each disturbance.

    Args:
        score: Scores all videos with their frames disturbed.

    Raises:
        DataError: No video with a label could be read in every pass.
    """
    return gathered(
        {disturbance.name: score(disturbance) for disturbance in (IN_ORDER, *DISTURBANCES)}
    )


def gathered(scored: Mapping[str, Scores]) -> Probe:
    """The scores of each disturbance, for the videos in all of them."""
    first = scored[IN_ORDER.name]
    known = [id for id, label in zip(first.ids, first.labels.tolist(), strict=True) if label >= 0]
    common = set(known).intersection(*(scores.ids for scores in scored.values()))
    if not common:
        raise DataError(
            "no video with a label could be read in every pass: nothing can be compared"
        )
    rows = {
        name: [row for row, id in enumerate(scores.ids) if id in common]
        for name, scores in scored.items()
    }
    answers = {name: scores.scores[rows[name]] for name, scores in scored.items()}
    return Probe(first.labels[rows[IN_ORDER.name]], first.classes, answers)
