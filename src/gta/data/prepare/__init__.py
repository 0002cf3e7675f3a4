"""Rewriting a data set into a form that is read faster; the original stays as it is."""

from .options import Options
from .run import Summary, prepare

__all__ = ["Options", "Summary", "prepare"]
