"""Where data is: a path, or a URL, which must not be treated as a path."""

import re
from pathlib import Path

_URL = re.compile(r"^([a-z][a-z0-9+.-]+)://", re.IGNORECASE)  # two letters: C:\ is a disk


def is_url(location: str | Path) -> bool:
    """Whether this names data on another machine, such as "s3://bucket/folder"."""
    return isinstance(location, str) and _URL.match(location) is not None


def scheme(url: str) -> str:
    """The part before "://", such as "s3"."""
    found = _URL.match(url)
    assert found is not None
    return found[1].lower()


def absolute(location: str) -> str:
    """A path from the root of the disk, so that it means the same elsewhere; a URL as it is."""
    if is_url(location):
        return location.rstrip("/")
    return str(Path(location).expanduser().absolute())
