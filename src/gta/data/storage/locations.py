"""Where data is: a path, or a URL, which must not be treated as a path.

A URL may be a chain, as fsspec has them: `simplecache::https://host/set` is the data at a URL, kept
on the disk as whole shards; `zip://::https://host/set.zip` is in an archive there.
"""

import re
from pathlib import Path

_LINK = r"[a-z][a-z0-9+.-]+"  # two letters: C:\ is a disk
_URL = re.compile(rf"^(?:{_LINK}::)*({_LINK})://", re.IGNORECASE)
_KEPT = re.compile(r"^(?:simplecache|filecache)::", re.IGNORECASE)
_PARTS = re.compile(r"^(?:blockcache|cached)::", re.IGNORECASE)


def is_url(location: str | Path) -> bool:
    """Whether this names data on another machine, such as "s3://bucket/folder"."""
    return isinstance(location, str) and _URL.match(location) is not None


def scheme(url: str) -> str:
    """The part before "://", such as "s3"; of a chain, that of the first link that has a scheme."""
    match = _URL.match(url)
    assert match is not None
    return match[1].lower()


def absolute(location: str) -> str:
    """A path from the root of the disk, so that it means the same elsewhere; a URL as it is."""
    if is_url(location):
        return location if location.endswith("://") else location.rstrip("/")
    return str(Path(location).expanduser().absolute())


def inside(url: str, name: str) -> str:
    """The URL of a file in the folder that a URL names.

    In a chain the folder is that of the first link with a path; a web address may end in a query,
    such as the signature that gives access.
    """
    links = url.split("::")
    at = next(i for i, link in enumerate(links) if "://" in link)
    link, mark, query = links[at], "", ""
    if scheme(link) in ("http", "https"):
        link, mark, query = link.partition("?")
    joined = link + name if link.endswith("/") else f"{link}/{name}"
    return "::".join([*links[:at], joined + mark + query, *links[at + 1 :]])


def without_cache(url: str) -> tuple[str, bool]:
    """A URL without the links that ask for a cache, and whether whole files are to be kept.

    `simplecache::` and `filecache::` keep whole files; parts of files are kept anyway.
    """
    whole = False
    while _KEPT.match(url) or _PARTS.match(url):
        whole = whole or _KEPT.match(url) is not None
        url = url.split("::", 1)[1]
    return url, whole
