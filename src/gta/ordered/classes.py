"""The classes of `ordered`: pairs that differ only in the order of events, and neutral classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from gta.errors import UsageError, nearest


@dataclass(frozen=True, slots=True)
class OrderedClass:
    """One class, named in the manner of Something-Something v2."""

    key: str
    """Short name, for options and for the program that draws it."""
    template: str
    """Name with its placeholders in brackets: `Moving [something] up`."""
    partner: str
    """Key of the class that it becomes when played backwards; its own if neutral."""
    program: str
    """Key of the class whose program draws the frames; the partner's is read backwards."""

    @property
    def name(self) -> str:
        """The template without brackets, as label files spell it."""
        return self.template.replace("[", "").replace("]", "")

    @property
    def is_reversed(self) -> bool:
        """Whether the frames of `program` are read from last to first."""
        return self.program != self.key


def _pair(forward: tuple[str, str], backward: tuple[str, str]) -> tuple[OrderedClass, OrderedClass]:
    (key, template), (partner, partner_template) = forward, backward
    return (
        OrderedClass(key, template, partner=partner, program=key),
        OrderedClass(partner, partner_template, partner=key, program=key),
    )


def _neutral(key: str, template: str) -> tuple[OrderedClass]:
    return (OrderedClass(key, template, partner=key, program=key),)


CLASSES: tuple[OrderedClass, ...] = (
    *_pair(
        ("left_to_right", "Moving [something] from left to right"),
        ("right_to_left", "Moving [something] from right to left"),
    ),
    *_pair(("up", "Moving [something] up"), ("down", "Moving [something] down")),
    *_pair(
        ("clockwise", "Turning [something] clockwise"),
        ("counterclockwise", "Turning [something] counterclockwise"),
    ),
    *_pair(
        ("towards", "Moving [something] towards the camera"),
        ("away", "Moving [something] away from the camera"),
    ),
    *_pair(
        ("closer", "Moving [something] and [something] closer to each other"),
        ("apart", "Moving [something] and [something] away from each other"),
    ),
    *_pair(
        ("cover", "Covering [something] with [something]"),
        ("uncover", "Uncovering [something] by removing [something]"),
    ),
    *_pair(
        ("appear", "Making [something] appear"),
        ("disappear", "Making [something] disappear"),
    ),
    *_pair(("open", "Opening [something]"), ("close", "Closing [something]")),
    *_pair(
        ("faster", "Moving [something] faster and faster"),
        ("slower", "Moving [something] slower and slower"),
    ),
    *_neutral("still", "Holding [something] still"),
    *_neutral("shake_sideways", "Shaking [something] sideways"),
    *_neutral("shake_up_down", "Shaking [something] up and down"),
    *_neutral("turn_back_and_forth", "Turning [something] back and forth"),
)

_BY_KEY = {ordered_class.key: ordered_class for ordered_class in CLASSES}
_BY_NAME = {ordered_class.name: ordered_class for ordered_class in CLASSES}


def find_class(word: str) -> OrderedClass:
    """The class with the key or name `word`.

    Raises:
        UsageError: There is no such class; the message names the nearest key and all of them.
    """
    known = _BY_KEY.get(word) or _BY_NAME.get(word)
    if known is None:
        raise UsageError(
            f"{word!r} is not a class of the built-in data set.{nearest(word, list(_BY_KEY))} "
            f"The classes are: {', '.join(_BY_KEY)}."
        )
    return known


def select_classes(words: Sequence[str] | None) -> tuple[OrderedClass, ...]:
    """The named classes in the order of `CLASSES`; all of them for None.

    Raises:
        UsageError: A word names no class, two name the same, or there are fewer than two.
    """
    if words is None:
        return CLASSES
    chosen = [find_class(word) for word in words]
    twice = sorted({c.key for c in chosen if chosen.count(c) > 1})
    if twice:
        raise UsageError(f"Class {twice[0]!r} is named more than once; name each class once.")
    if len(chosen) < 2:
        raise UsageError(f"A data set needs at least 2 classes, got {len(chosen)}.")
    return tuple(c for c in CLASSES if c in chosen)


def order_blind_ceiling(class_names: Sequence[str]) -> float:
    """The best top-1 accuracy, in [0, 1], of any model that sees the frames as an unordered bag.

    The members of a pair have the same bags of frames, so such a model can do no better on them
    than a coin; every other class can be told in full. Classes are taken to be equally frequent.

    Args:
        class_names: Keys or names of the classes in use.

    Raises:
        UsageError: A name is not a class of this data set, or none is given.
    """
    chosen = [find_class(word) for word in class_names]
    if not chosen:
        raise UsageError("The order-blind ceiling needs at least one class, got none.")
    keys = {c.key for c in chosen}
    return sum(0.5 if c.partner != c.key and c.partner in keys else 1.0 for c in chosen) / len(
        chosen
    )
