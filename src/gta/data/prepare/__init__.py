"""Rewriting a data set into a form that is read faster; the original stays as it is."""

from gta.data.prepare.options import Options
from gta.data.prepare.run import Summary, prepare

__all__ = ["Options", "Summary", "prepare"]
