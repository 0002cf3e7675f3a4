"""Does the data need time? A model's scores when the frames of its clips are disturbed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gta.data.order import Order
from gta.errors import DataError
from gta.evaluation.comparison import LEVEL, Difference, difference
from gta.evaluation.metrics import ranks
from gta.evaluation.scores import Scores


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What is done to the frames."""

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
    """int64 (N,), of the videos that could be read each time."""
    classes: list[str]
    answers: dict[str, Tensor]
    """Scores (N, num_classes) of "in order" and of each disturbance."""

    def change(self, name: str) -> Difference:
        """What a disturbance does: B of the difference is disturbed, A in order."""
        return difference(self.right(IN_ORDER.name), self.right(name))

    def right(self, name: str) -> Tensor:
        """Whether each video is right, bool (N,)."""
        return ranks(self.answers[name], self.labels) == 1

    def by_class(self) -> list[dict[str, object]]:
        """Accuracy of each class that has videos, in order and disturbed; most lost first.

        What is lost is the difference between frames in order and shuffled.
        """
        rows = []
        for label, name in enumerate(self.classes):
            of_class = self.labels == label
            if of_class.any():
                accuracies = {
                    n: self.right(n)[of_class].double().mean().item() for n in self.answers
                }
                lost = accuracies[IN_ORDER.name] - accuracies["shuffled"]
                row: dict[str, object] = {"class": name, "videos": int(of_class.sum())}
                rows.append((lost, row | accuracies))
        return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]

    @property
    def blind(self) -> bool:
        """Whether the order of frames makes no difference to this model's scores."""
        forward = self.answers[IN_ORDER.name]
        return all(
            torch.allclose(forward, self.answers[name], atol=1e-3)
            for name in ("reversed", "shuffled")
        )

    def verdict(self) -> list[str]:
        """What follows, in sentences."""
        shuffled, frozen = self.change("shuffled"), self.change("frozen")
        if self.blind:
            return [
                "This model is blind to the order of frames: it gives the same scores whatever it "
                "is. Ask one that is not, such as a GTA model trained on the same data.",
                _about_frozen(frozen),
            ]
        said = [_about_order(shuffled), _about_frozen(frozen)]
        backwards = self.change("reversed")
        if _is_loss(backwards):
            confused = self.answers["reversed"].argmax(1)[~self.right("reversed")]
            said.append(
                f"Backwards it has {backwards.b:.1%} right; it then says most often "
                f"{self.classes[int(confused.mode().values)]!r}."
            )
        for name in (d.name for d in DISTURBANCES if d.keep_every > 1):
            slow = self.change(name)
            if slow.p < LEVEL:
                change = "loses" if slow.gain < 0 else "gains"
                said.append(f"At frame {name} it {change} {_points(slow)}: do not mix frame rates.")
        return said


def probe(score: Callable[[Disturbance], Scores]) -> Probe:
    """Scores the videos once for each disturbance.

    Args:
        score: Scores all videos with their frames disturbed.

    Raises:
        DataError: No video with a label could be read each time.
    """
    return gathered({one.name: score(one) for one in (IN_ORDER, *DISTURBANCES)})


def gathered(found: Mapping[str, Scores]) -> Probe:
    """Scores of each disturbance, for the videos that all of them have."""
    first = found[IN_ORDER.name]
    known = [id for id, label in zip(first.ids, first.labels.tolist(), strict=True) if label >= 0]
    common = set(known).intersection(*(scores.ids for scores in found.values()))
    if not common:
        raise DataError("no video with a label could be read each time: nothing can be compared")
    rows = {
        name: [row for row, id in enumerate(scores.ids) if id in common]
        for name, scores in found.items()
    }
    answers = {name: scores.scores[rows[name]] for name, scores in found.items()}
    return Probe(first.labels[rows[IN_ORDER.name]], first.classes, answers)


def _is_loss(found: Difference) -> bool:
    """Whether the disturbance does harm, beyond chance."""
    return found.p < LEVEL and found.gain < 0


def _points(found: Difference) -> str:
    low, high = sorted(abs(100 * end) for end in (found.low, found.high))
    return f"{abs(100 * found.gain):.1f} points ({low:.1f} to {high:.1f})"


def _about_order(shuffled: Difference) -> str:
    if _is_loss(shuffled):
        return (
            f"The order of frames matters: shuffled, {_points(shuffled)} of {shuffled.a:.1%} "
            f"are lost (p = {shuffled.p:.2g}). A model that attends over time is worth its cost."
        )
    low, high = (100 * end for end in (shuffled.low, shuffled.high))
    return (
        f"No sign that the order of frames matters to this model: shuffled, its top-1 changes by "
        f"{100 * shuffled.gain:+.1f} points ({low:+.1f} to {high:+.1f}) on "
        f"{shuffled.videos} videos. One without attention over time may do as well."
    )


def _about_frozen(frozen: Difference) -> str:
    if _is_loss(frozen):
        return (
            f"One frame alone gives {frozen.b:.1%} of {frozen.a:.1%}: the rest needs "
            f"several frames."
        )
    return f"One frame alone gives {frozen.b:.1%} of {frozen.a:.1%}: it is enough."
