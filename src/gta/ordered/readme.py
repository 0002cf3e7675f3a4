"""README.txt of the folder."""

from collections.abc import Sequence

from gta.ordered.classes import OrderedClass, find_class
from gta.ordered.state import Options


def readme(options: Options, classes: Sequence[OrderedClass], ceiling: float) -> str:
    """Options, classes with their partners, and the order-blind ceiling."""
    rows = "\n".join(
        f"  {label:3d}  {c.name}"
        + ("" if c.partner == c.key else f"  <->  {find_class(c.partner).name}")
        for label, c in enumerate(classes)
    )
    return (
        "ordered: rendered clips whose classes differ in the order of events\n\n"
        f"Layout {options.layout} (Something-Something {options.layout[-2:]}), "
        f"{options.num_train} training and {options.num_val} validation clips of "
        f"{options.num_frames} frames, {options.height}x{options.width} pixels (height x width), "
        f"seed {options.seed}. Difficulty: {options.difficulty}.\n\n"
        f"Classes, with the class that each becomes when it is played backwards:\n\n{rows}\n\n"
        f"Order-blind ceiling: {100 * ceiling:.1f} % top-1. A model that sees the frames as an\n"
        "unordered bag cannot tell the members of a pair apart, so it does no better than this.\n"
    )
