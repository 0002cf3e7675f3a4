"""Pairs of classes that are each other played backwards, and whether a model distinguishes them.

A model that is blind to the order of frames cannot: its answers are the same for a video and for
the video backwards. The highest accuracy of such a model is the order-blind bound.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import torch
from torch import Tensor

from gta.evaluation.significance import wilson_interval

Pair = tuple[int, int]

_OPPOSITES = (
    *("left right", "up down", "upward downward", "upwards downwards", "forward backward"),
    *("forwards backwards", "ahead back", "in out", "into outof", "on off", "onto offof"),
    *("towards away", "toward away", "closer apart", "inside outside"),
    *("towards awayfrom", "toward awayfrom", "closerto awayfrom", "near far"),
    *("clockwise counterclockwise", "clockwise anticlockwise", "open close", "opens closes"),
    *("opening closing", "opened closed", "appear disappear", "appears disappears"),
    *("appearing disappearing", "enter leave", "entering leaving", "enter exit"),
    *("entering exiting", "come go", "coming going", "approach retreat", "approaching leaving"),
    *("sit stand", "sitting standing", "sits stands", "rise fall", "rising falling"),
    *("raise lower", "raising lowering", "lift lower", "lifting lowering", "ascend descend"),
    *("ascending descending", "put take", "putting taking", "start stop", "starting stopping"),
    *("faster slower", "accelerating braking", "grow shrink", "growing shrinking"),
    *("increase decrease", "increasing decreasing", "fill empty", "filling emptying"),
    *("inflate deflate", "inflating deflating", "attach detach", "attaching detaching"),
)
"""Pairs of words that are each other backwards; two words may have the same opposite."""
_PHRASES = ("out of", "off of", "away from", "closer to", "counter clockwise", "anti clockwise")
_UNDONE = ("un", "dis")
_MOST_WORDS = 4
"""Most words of a name that are exchanged in all combinations; beyond, only all at once."""
_LEAST = 10
"""Fewest answers within a pair for a statement about it."""


@dataclass(frozen=True, slots=True)
class PairAccuracy:
    """How often a video of such a class is classified correctly rather than as its opposite."""

    pairs: int
    videos: int
    """Videos that are classified as one of the two."""
    correct: int
    bound: float
    """The highest accuracy, 0 to 1, of a model that is blind to the order of frames."""

    @property
    def accuracy(self) -> float:
        """0 to 1."""
        return self.correct / self.videos if self.videos else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of `accuracy`."""
        return wilson_interval(self.correct, self.videos)

    @property
    def beats_bound(self) -> bool:
        """Whether the whole interval is above the bound."""
        return self.videos > 0 and self.interval[0] > self.bound


def backward_pairs(classes: Sequence[str]) -> list[Pair]:
    """Pairs of labels whose names are each other backwards; a label is in one pair only.

    "Moving up" and "Moving down", "left_to_right" and "right_to_left", "folding" and "unfolding".
    """
    words = [_words(name) for name in classes]
    labels = {name: label for label, name in reversed(list(enumerate(words)))}
    partner_of: dict[int, int] = {}
    for label, name in enumerate(words):
        partners = (labels.get(other) for other in _turned(name))
        partner = next((p for p in partners if p is not None and p != label), None)
        if partner is not None and not {label, partner} & partner_of.keys():
            partner_of |= {label: partner, partner: label}
    return sorted((a, b) for a, b in partner_of.items() if a < b)


def pair_accuracy(answers: Tensor, labels: Tensor, pairs: Sequence[Pair]) -> PairAccuracy:
    """Counts the videos of the pairs that are classified as a class of their own pair.

    Args:
        answers: Predicted classes, int64 (N,).
        labels: int64 (N,).
        pairs: Pairs of labels; a pair without videos of both classes is skipped.
    """
    there = set(labels.tolist())
    pairs = [pair for pair in pairs if there.issuperset(pair)]
    videos = correct = blind = 0
    for pair in pairs:
        members = torch.tensor(pair)
        within = torch.isin(labels, members) & torch.isin(answers, members)
        of_first = int((labels[within] == pair[0]).sum())
        count = int(within.sum())
        videos += count
        correct += int((answers[within] == labels[within]).sum())
        blind += max(of_first, count - of_first)
    return PairAccuracy(len(pairs), videos, correct, blind / videos if videos else 1.0)


def confused_with_opposite(answers: Tensor, labels: Tensor) -> list[Pair]:
    """Pairs of classes whose videos mostly get one of the two labels, but often the wrong one."""
    num_classes = int(max(answers.max(), labels.max())) + 1
    counts = torch.bincount(labels * num_classes + answers, minlength=num_classes**2)
    counts = counts.view(num_classes, num_classes)
    wrong = counts.clone().fill_diagonal_(0)
    nearest = (wrong + wrong.T).argmax(1).tolist()
    pairs = [(a, b) for a, b in enumerate(nearest) if a < b and nearest[b] == a]
    confused = []
    for a, b in pairs:
        apart = pair_accuracy(answers, labels, [(a, b)])
        most = 2 * apart.videos > int(counts[[a, b]].sum())
        if apart.pairs and apart.videos >= _LEAST and most and not apart.beats_bound:
            confused.append((a, b))
    return confused


Words = tuple[str, ...]


def _words(name: str) -> Words:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # OpenDoor
    words = re.findall(r"[^\W_]+", name.lower())
    text = " ".join(words)
    for phrase in _PHRASES:
        text = re.sub(rf"\b{phrase}\b", phrase.replace(" ", ""), text)
    return tuple(text.split())


def _turned(name: Words) -> Iterator[Words]:
    """Possible names of this class backwards, with most words exchanged first."""
    places = [place for place, word in enumerate(name) if word in _LISTED]
    smallest = 1 if len(places) <= _MOST_WORDS else len(places)
    for size in range(len(places), smallest - 1, -1):
        for some in combinations(places, size):
            for others in product(*(_LISTED[name[place]] for place in some)):
                exchanged = dict(zip(some, others, strict=True))
                yield tuple(exchanged.get(place, word) for place, word in enumerate(name))
    for place, word in enumerate(name):  # folding, unfolding
        for un in _UNDONE:
            other = word.removeprefix(un) if word.startswith(un) else f"{un}{word}"
            yield (*name[:place], other, *name[place + 1 :])


def _listed() -> dict[str, list[str]]:
    opposites: dict[str, list[str]] = {}
    for word, opposite in (pair.split() for pair in _OPPOSITES):
        opposites.setdefault(word, []).append(opposite)
        opposites.setdefault(opposite, []).append(word)
    return opposites


_LISTED = _listed()
