"""The result of a check, in words that may be published."""

import getpass
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Observed:
    """What was observed, and what is wrong with it."""

    what: str
    seen: str
    finding: str | None = None
    """What is wrong, and the way out; None: nothing."""


def without_names(text: str) -> str:
    """A text without the name of a person or a host, and `~` for their folder."""
    text = text.replace(str(Path.home()), "~") if len(str(Path.home())) > 1 else text
    text = re.sub(r"/(home|Users)/[^/\s'\"]+", r"/\1/USER", text)
    for name, word in ((_user(), "USER"), (socket.gethostname(), "HOST")):
        if len(name) > 1:
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", word, text)
    return text


def _user() -> str:
    with suppress(Exception):  # a number without a name, as in some containers
        name = getpass.getuser()
        return "" if name == "root" else name
    return ""
