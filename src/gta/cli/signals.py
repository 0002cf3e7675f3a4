"""The handler of signals for all verbs: a line, and the exit code 128 + number."""

from gta.training.stopping import Stop

stop = Stop()
"""A verb sets `stop.kept` to what it keeps when it is stopped."""
