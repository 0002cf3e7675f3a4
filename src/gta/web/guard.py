"""Refuses requests whose Host or Origin is not the server's own.

A foreign Host is a name that somebody pointed at this machine (DNS rebinding); a foreign Origin is
another page in a browser that can reach it.
"""

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?", re.IGNORECASE)
_LOCAL = ("127.0.0.1", "localhost")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of every answer."""


def is_loopback(bound: str) -> bool:
    """Whether an address or name can only be reached from this machine."""
    try:
        return bound == "localhost" or ipaddress.ip_address(bound).is_loopback
    except ValueError:
        return False


class Hosts:
    """Host names to which a server answers.

    For a server that only this machine reaches they are 127.0.0.1 and localhost, with its port.
    Otherwise they are its own name and any numeric address, which cannot be rebound.

    Args:
        bound: The address or name on which it listens.
        also: Further names, such as that of a proxy.
    """

    def __init__(self, bound: str = "127.0.0.1", also: Sequence[str] = ()):
        self.local = is_loopback(bound)
        own = (bound,) if self.local else (bound, socket.gethostname(), socket.getfqdn())
        self.names = {name.lower() for name in (*_LOCAL, *own)}
        self.also = {name.lower() for name in also}

    def allow(self, host: str, port: int) -> bool:
        """Whether a request with this Host, at this port, is answered."""
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower().strip("[]")
        if name in self.also:
            return True
        if self.local:
            return name in self.names and match[2] == str(port)
        return name in self.names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """An ASGI middleware: refuses foreign requests, and adds headers to answers.

    Args:
        app: The application.
        hosts: Host names that are answered.
        headers: Further headers of all answers.
        refusal: The answer to foreign requests.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, headers: Mapping[str, str], refusal: str):
        self.app, self.hosts, self.refusal = app, hosts, refusal
        pairs = (HEADERS | dict(headers)).items()
        self.headers = [(name.lower().encode(), value.encode()) for name, value in pairs]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self.headers]}
            await send(message)

        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        own = self.hosts.allow(host, scope["server"][1])
        if not own or origin not in (None, f"http://{host}", f"https://{host}"):
            await JSONResponse({"error": self.refusal}, 403)(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)
