"""Errors that a user can fix. The command line prints them without a traceback.

Every message says what was given, what is allowed and the way out.
"""

import pickle
from pathlib import Path

from gta.names import shown


class UsageError(Exception):
    """A wrong option, recipe or folder. Exit code 2."""

    exit_code = 2


class DataError(UsageError):
    """Data that cannot be used as it is. Exit code 3."""

    exit_code = 3


class VideoError(DataError):
    """A file or frame folder that cannot be read."""

    def __init__(self, path: str | Path, reason: str):
        super().__init__(f"{shown(str(path))}: {reason}")
        self.path = str(path)
        self.reason = reason

    def __reduce__(self):  # two arguments, so that loader workers can send it
        return type(self), (self.path, self.reason)


class MachineError(UsageError):
    """The machine failed: a full disk, a full memory, a killed process. Exit code 1."""

    exit_code = 1


class Notice(UserWarning):
    """Something differs from what was asked for; the command line prints it."""


def reason_of(error: BaseException) -> str:
    """A library's error, in a line.

    For a pickle that torch refuses, torch's own text would explain how to run the code in it.
    """
    if isinstance(error, pickle.UnpicklingError):
        return "damaged, or more than tensors is in it"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason'}"


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its class if it has no text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def nearest(word: str, allowed: list[str]) -> str:
    """`" Did you mean 'x'?"` for the allowed word nearest to `word`, or nothing."""
    import difflib

    matches = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    return f" Did you mean {matches[0]!r}?" if matches else ""
