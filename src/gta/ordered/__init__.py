"""`ordered`, the built-in data set: short clips whose classes differ in the order of events."""

from gta.ordered.arrays import render_array
from gta.ordered.classes import CLASSES, OrderedClass, order_blind_ceiling
from gta.ordered.difficulty import DIFFICULTIES, Difficulty, find_difficulty
from gta.ordered.events import event_frames
from gta.ordered.render import render_clip
from gta.ordered.write import Summary, render_dataset

__all__ = [
    "CLASSES",
    "DIFFICULTIES",
    "Difficulty",
    "OrderedClass",
    "Summary",
    "event_frames",
    "find_difficulty",
    "order_blind_ceiling",
    "render_array",
    "render_clip",
    "render_dataset",
]
