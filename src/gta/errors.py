"""Mistakes a person can make and mend. The command line prints them without a traceback.

Every message says what was given, what is allowed and the way out.
"""

from pathlib import Path


class UsageError(Exception):
    """A wrong option, recipe or folder. Exit code 2."""

    exit_code = 2


class DataError(UsageError):
    """Data that cannot be used as it is. Exit code 3."""

    exit_code = 3


class VideoError(DataError):
    """One file or frame folder that cannot be read."""

    def __init__(self, path: str | Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.reason = reason

    def __reduce__(self):  # two arguments, so that loader workers can send it
        return type(self), (self.path, self.reason)


class Notice(UserWarning):
    """Something is done in another way than was asked for; the command line prints it."""


def nearest(word: str, allowed: list[str]) -> str:
    """`" Did you mean 'x'?"` for the allowed word nearest to `word`, or nothing."""
    import difflib

    matches = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    return f" Did you mean {matches[0]!r}?" if matches else ""
