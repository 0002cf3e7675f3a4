"""`ordered`, the built-in data set: short clips whose classes differ in the order of events."""

from gta.data.ordered.arrays import render_array
from gta.data.ordered.classes import CLASSES, OrderedClass, order_blind_ceiling
from gta.data.ordered.difficulty import DIFFICULTIES, Difficulty, find_difficulty
from gta.data.ordered.render import render_clip
from gta.data.ordered.write import Summary, render_dataset

__all__ = [
    "CLASSES",
    "DIFFICULTIES",
    "Difficulty",
    "OrderedClass",
    "Summary",
    "find_difficulty",
    "order_blind_ceiling",
    "render_array",
    "render_clip",
    "render_dataset",
]
