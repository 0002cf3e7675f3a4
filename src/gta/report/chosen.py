"""The choice of videos for previews."""

from dataclasses import dataclass, field

from gta.evaluation.metrics import predictions, ranks
from gta.evaluation.scores import Scores

MOST = 150
_ENDS = 24
"""Number of the hardest, and of the easiest."""
_OF_PAIR = 3


@dataclass(slots=True)
class Chosen:
    """A video that has a preview."""

    index: int
    """Place in the score file."""
    why: list[str] = field(default_factory=list)
    """"hardest", "easiest", "confused"."""


def choose(scores: Scores, most: int = MOST) -> list[Chosen]:
    """The hardest and easiest videos, and some of each frequent mistake.

    A video is hard if its own class is improbable. No class has more than a quarter of the hardest
    or the easiest, if there are others. Without labels, the most confident are the easiest.

    Args:
        scores: Scores of a test.
        most: Largest number of videos.
    """
    known = (scores.labels >= 0).nonzero().flatten()
    if not len(known):
        sure = scores.scores.max(1).values.argsort(descending=True, stable=True).tolist()
        return [Chosen(index, ["easiest"]) for index in sure[: min(_ENDS, most)]]
    values, labels = scores.labeled()
    own = values.gather(1, labels[:, None])[:, 0]
    order = own.argsort(stable=True)
    wrong = ranks(values, labels) > 1
    predicted = predictions(values, labels)
    chosen: dict[int, Chosen] = {}

    def add(place: int, why: str) -> None:
        if len(chosen) < most or place in chosen:
            video = chosen.setdefault(place, Chosen(int(known[place])))
            if why not in video.why:
                video.why.append(why)

    hardest = [place for place in order.tolist() if wrong[place]]
    easiest = [place for place in order.flip(0).tolist() if not wrong[place]]
    for why, places in (("hardest", hardest), ("easiest", easiest)):
        for place in _spread(places, labels.tolist(), min(_ENDS, most // 2)):
            add(place, why)
    pairs: dict[tuple[int, int], list[int]] = {}
    for place in hardest:
        pairs.setdefault((int(labels[place]), int(predicted[place])), []).append(place)
    for places in sorted(pairs.values(), key=len, reverse=True):
        for place in places[:_OF_PAIR]:
            add(place, "confused")
    return list(chosen.values())


def _spread(places: list[int], labels: list[int], count: int) -> list[int]:
    """The first places with at most a quarter of a class, unless too few are left."""
    limit, held, taken, left = max(1, count // 4), dict[int, int](), list[int](), list[int]()
    for place in places:
        if len(taken) == count:
            break
        label = labels[place]
        if held.get(label, 0) < limit:
            held[label] = held.get(label, 0) + 1
            taken.append(place)
        else:
            left.append(place)
    return [*taken, *left[: count - len(taken)]]
