"""This process's signals: one line, and 128 + number as the exit code, for every verb."""

from gta.training.stopping import Stop

stop = Stop()
"""What a verb keeps when it is stopped is put into `stop.kept`."""
