"""The network that ships with the package: `tiny_gta`, trained on the built-in clips.

`python -m experiments.shipped_start` makes it; ordered/card.json says what it is.
"""

from pathlib import Path

NAME = "ordered"
"""By which commands and `gta.load` know it, where no folder has this name."""
FOLDER = Path(__file__).with_name("ordered")
"""A run: its recipe, its labels, its weights, and its card."""
NUM_TRAIN, NUM_VAL = 2400, 480
"""Clips, as many as in the quickstart, of all classes."""
