"""Whether a server answers, found out in seconds: what downloads through libraries waits minutes.

They try again and again, and some wait for ever: on a machine without a connection, behind a proxy
that takes connections and never answers, for a name that no server resolves.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PATIENCE = 8.0
"""Seconds in all for a first answer."""
SILENCE = 10.0
"""Seconds without a byte after which a download has failed."""


def unreachable(url: str, patience: float | None = None) -> str | None:
    """Why a server gives no answer, whatever it would be; None: it does.

    Proxies are those of the environment. Of certificates nothing is said: programs that download
    have their own.

    Args:
        url: Of the server.
        patience: Seconds in all for a first answer; None: `PATIENCE`.
    """
    patience = PATIENCE if patience is None else patience
    found = [f"{_host(url)} does not answer within {patience:g} s"]

    def ask() -> None:
        try:
            with urlopen(Request(url, method="HEAD"), timeout=patience):
                found.append("")
        except HTTPError:
            found.append("")
        except URLError as error:
            failed = not isinstance(error.reason, ssl.SSLError)
            found.append(f"{_host(url)}: {error.reason}" if failed else "")
        except Exception as error:  # of a thread nobody would hear it
            found.append(f"{_host(url)}: {error}")

    # looking up a name takes as long as the system wants, and nothing ends it
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return found[-1] or None


@contextmanager
def impatient() -> Iterator[None]:
    """While this lasts, a connection without a time limit of its own ends after `SILENCE`."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url
