"""An HTTP server that slow clients cannot block, and that stops in order."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from gta.errors import UsageError

HEAD = 10.0
"""Most seconds for the head of a request, and for a client to take its answer."""
_TOLD = 256
"""Connections above the limit that still get an answer."""
_KEPT = 5
"""Seconds that a connection is kept without a request."""


def listening_socket(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket, by default for this machine only; port 0 takes a free port.

    Raises:
        UsageError: The port is taken, or the host is no address of this machine.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UsageError(
            f"--host {host} is no address of this machine: {error.strerror}"
        ) from error
    family, kind, protocol, _, address = addresses[0]
    own = socket.socket(family, kind, protocol)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind(address)
        own.listen()  # from now on connections are accepted
    except OSError as error:
        own.close()
        at = "" if host == "127.0.0.1" else f" of --host {host}"
        raise UsageError(
            f"--port {port}{at} cannot be used ({error.strerror}): give another, or --port 0 for "
            f"any free port"
        ) from error
    return own


class Patient(H11Protocol):
    """A connection with time limits.

    uvicorn itself waits without limit for the head of a request, for the rest of a body that it has
    answered, and for a client to take its answer: a few dozen such clients block all others.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore
        self._timers = dict[str, asyncio.TimerHandle]()
        super().connection_made(transport)
        if self.limit_concurrency and len(self.connections) > self.limit_concurrency + _TOLD:
            transport.abort()  # without an answer, which would need memory, too
        self._wait("head")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_asked():
            self._done("head")
        elif not self.transport.is_closing():  # a part of a head, or the rest of a refused body
            self._wait("head")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait("answer")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._done("answer")

    def connection_lost(self, exc: Exception | None) -> None:
        for what in tuple(self._timers):
            self._done(what)
        super().connection_lost(exc)

    def _is_asked(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self, what: str) -> None:
        if what not in self._timers:
            self._timers[what] = self.loop.call_later(HEAD, self.transport.abort)

    def _done(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer is not None:
            timer.cancel()


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process's own handler.

    Args:
        config: See `configured`.
        asked: Whether the server is asked to end.
        drained: Awaited before connections are closed; new connections are answered meanwhile.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        asked: Callable[[], bool],
        drained: Callable[[], Awaitable[object]] | None = None,
    ):
        super().__init__(config)
        self.asked, self.drained = asked, drained

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self.asked()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.drained is not None:
            await self.drained()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def configured(app: ASGIApp, *, connections: int) -> uvicorn.Config:
    """The configuration of a server: quiet, HTTP/1.1, with a limit on connections."""
    return uvicorn.Config(
        app,
        http=Patient,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,  # or any process on this machine could forge client and scheme
        limit_concurrency=connections,
        backlog=1024,
        timeout_keep_alive=_KEPT,
        timeout_graceful_shutdown=2,
    )
