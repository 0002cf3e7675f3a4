"""Which classes a mirror image changes, read from their names.

Words, not substrings: "upright" is no direction, "counter-clockwise" is one word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What a mirror exchanges. Variants of one word are brought to one spelling first.
_MIRRORED = {
    "left": "right",
    "leftward": "rightward",
    "leftwards": "rightwards",
    "lefthand": "righthand",
    "clockwise": "counterclockwise",
}
_MIRRORED |= {there: here for here, there in _MIRRORED.items()}

# "Pulling it right out": here "right" says how, not where.
_SAFE = (("right", "out"),)


@dataclass(frozen=True, slots=True)
class FlipRules:
    """What a horizontal flip does to each label."""

    partner: tuple[int, ...]
    """The label of the mirror image; a label's own where the mirror changes nothing or no class
    is known for the mirror image."""
    directional: frozenset[int]
    """Labels whose mirror image is another class."""
    lone: frozenset[int]
    """Labels that name a direction without a class for the other direction: not flipped either."""

    @property
    def any(self) -> bool:
        """Whether the name of any class tells a direction."""
        return bool(self.directional or self.lone)

    def flippable(self, label: int) -> bool:
        """Whether the mirror image of a clip of `label` is of `label` too."""
        return label not in self.directional and label not in self.lone


def flip_partners(classes: Sequence[str]) -> FlipRules:
    """Finds classes whose names differ in left/right or clockwise/counter-clockwise alone.

    Args:
        classes: Names in label order, for example "Pushing something from left to right" or
            folder names as "turn_left", "TurnLeft".
    """
    words = [_words(name) for name in classes]
    labels = {name: label for label, name in enumerate(words)}
    partner, directional, lone = list(range(len(words))), set[int](), set[int]()
    for label, name in enumerate(words):
        mirrored = _mirror(name)
        if mirrored == name:
            continue
        if mirrored in labels:
            partner[label] = labels[mirrored]
            directional.add(label)
        else:
            lone.add(label)
    return FlipRules(tuple(partner), frozenset(directional), frozenset(lone))


def _words(name: str) -> tuple[str, ...]:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    name = re.sub(r"(?<![a-z])(?:counter|anti)[\W_]?clockwise", "counterclockwise", name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", name))


def _mirror(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        word if words[i : i + 2] in _SAFE else _MIRRORED.get(word, word)
        for i, word in enumerate(words)
    )
