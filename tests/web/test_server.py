"""Connections that would be held for ever end; a signal's order is kept."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gta.errors import UsageError
from gta.web import server as server_module
from gta.web.server import Server, configured, listening_socket


async def hello(request) -> Response:
    del request
    return PlainTextResponse("hello")


async def large(request) -> Response:
    del request
    return PlainTextResponse("x" * 2**27)


@dataclass(frozen=True)
class Running:
    port: int
    server: Server


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(server_module, "HEAD", 0.2)
    monkeypatch.setattr(server_module, "_KEPT", 0.3)
    monkeypatch.setattr(server_module, "_TOLD", 10)
    app = Starlette(routes=[Route("/", hello), Route("/large", large)])
    stop = threading.Event()
    with listening_socket(0) as own:
        server = Server(configured(app, connections=10), stop.is_set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([own])))
        thread.start()
        yield Running(own.getsockname()[1], server)
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def ends(connection: socket.socket) -> bool:
    """Whether the other side closes it."""
    connection.settimeout(30)
    try:
        while connection.recv(2**20):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx",
    ],
)
def test_one_that_sends_no_more_ends(running: Running, start: bytes):
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(start)
        assert ends(connection)


def test_one_that_takes_no_answer_ends(running: Running):
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(1)  # it has begun
        while running.server.server_state.connections:
            threading.Event().wait(0.01)


def test_far_too_many_are_not_even_answered(running: Running):
    connections = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(25)]
    assert ends(connections[-1])
    for connection in connections:
        connection.close()


def test_a_host_that_is_not_here():
    with pytest.raises(UsageError, match=r"--port 0 of --host 192\.0\.2\.1 cannot be used"):
        listening_socket(0, "192.0.2.1")
    with pytest.raises(UsageError, match=r"--host nowhere\.invalid is no address of this machine"):
        listening_socket(0, "nowhere.invalid")
