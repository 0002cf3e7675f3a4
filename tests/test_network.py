"""Servers of all kinds of silence, on this machine."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gta import network
from gta.network import impatient, unreachable


@contextmanager
def listening() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a/b"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(network, "PATIENCE", 0.3)


@pytest.mark.parametrize("status", [200, 403, 404, 405, 503])
def test_any_answer_is_one(monkeypatch, status):
    monkeypatch.setattr(network, "PATIENCE", 10)
    with answering(status) as url:
        assert unreachable(url) is None


def test_silence():
    with listening() as url:
        assert unreachable(f"{url}/a").startswith(f"{url[7:]}")


def test_a_proxy_that_is_silent(monkeypatch):
    with listening() as url:
        monkeypatch.setenv("http_proxy", url)
        assert unreachable("http://example.org/a").startswith("example.org")


def test_a_name_that_is_looked_up_for_ever(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20))
    began = time.monotonic()
    assert unreachable("http://example.org/a") == "example.org does not answer within 0.3 s"
    assert time.monotonic() - began < 10
    over.set()


def test_nobody_there():
    assert "refused" in unreachable("http://127.0.0.1:1/a")
    assert unreachable("nonsense") is not None


def test_downloads_end_when_nothing_comes(monkeypatch):
    monkeypatch.setattr(network, "SILENCE", 0.2)
    with listening() as url, impatient():
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as one, pytest.raises(TimeoutError):
            one.recv(1)
    assert socket.getdefaulttimeout() is None
