"""Checks within seconds whether a server answers: downloads by libraries would wait for minutes.

They retry many times, and some wait forever: on a machine without a connection, behind a proxy that
accepts connections and never answers, for a name that no server resolves.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PATIENCE = 8.0
"""Most seconds for a first answer."""
SILENCE = 10.0
"""Seconds without a byte after which a download has failed."""


def unreachable(url: str, patience: float | None = None) -> str | None:
    """Why a server does not answer at all; None: it does.

    Proxies are those of the environment. Certificates are not checked: the libraries that download
    have their own.

    Args:
        url: Address of the server.
        patience: Most seconds for a first answer; None: `PATIENCE`.
    """
    patience = PATIENCE if patience is None else patience
    reasons = [f"{_host(url)} does not answer within {patience:g} s"]

    def ask() -> None:
        try:
            with urlopen(Request(url, method="HEAD"), timeout=patience):
                reasons.append("")
        except HTTPError:
            reasons.append("")
        except URLError as error:
            failed = not isinstance(error.reason, ssl.SSLError)
            reasons.append(f"{_host(url)}: {error.reason}" if failed else "")
        except Exception as error:  # an error in a thread would be lost
            reasons.append(f"{_host(url)}: {error}")

    # a name lookup has no time limit and cannot be cancelled
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return reasons[-1] or None


@contextmanager
def impatient() -> Iterator[None]:
    """Within this context, a connection without its own time limit ends after `SILENCE`."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url
