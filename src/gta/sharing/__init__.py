"""Publishing a run: weights, recipe, labels and a card."""

from gta.sharing.publish import Published, publish

__all__ = ["Published", "publish"]
