"""`ordered`, the built-in data set: short clips whose classes differ in the order of events."""

from gta.data.ordered.classes import CLASSES, OrderedClass, order_blind_ceiling
from gta.data.ordered.render import render_clip
from gta.data.ordered.write import Summary, render_dataset

__all__ = [
    "CLASSES",
    "OrderedClass",
    "Summary",
    "order_blind_ceiling",
    "render_clip",
    "render_dataset",
]
