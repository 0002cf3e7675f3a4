"""The exam of the servers sees a server that gives files away, writes names, and lets all in."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from benchmarks.reliability import strangers_web, web_attacks, web_target
from benchmarks.reliability.web_target import SECRET, Target


class Careless(BaseHTTPRequestHandler):
    """Opens what it is asked for, and writes under the names that it is given."""

    folder: Path

    def do_GET(self) -> None:
        try:
            content = (self.folder / unquote(self.path).lstrip("/")).read_bytes()
        except (OSError, ValueError):
            content = b"nothing"
        self._answer(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        head = f"Content-Type: {self.headers.get('Content-Type', '')}\r\n\r\n".encode()
        for part in message_from_bytes(head + body).walk():
            name = part.get_filename()
            if name and "\0" not in name:
                with suppress(OSError):
                    (self.folder / name.replace("\\", "/")).write_bytes(b"x")
        self._answer(b"ok")

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Target]:
    (tmp_path / "secret").write_text(SECRET)
    inside = tmp_path / "inside"
    inside.mkdir()
    handler = type("Here", (Careless,), {"folder": inside})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Target("demo", server.server_port, 0, tmp_path / "none", "/post", b"video")
        server.shutdown()


def test_a_careless_server_is_found_out(
    careless: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(web_target, "WAIT", 0.5)
    asked, given = web_attacks.traversal(careless)
    assert 3 < given < asked
    count, planted = web_attacks.forged_names(careless, tmp_path)
    assert 1 < planted <= count
    asked, answered = web_attacks.strangers(careless)
    assert answered == asked
    assert web_attacks.odd_requests(careless)[1] > 3


@pytest.mark.slow
def test_the_servers_of_the_package_hold():
    lines = list(strangers_web.lines())
    assert [(line.fault, line.value) for line in lines if not line.passed and not line.timed] == []
    assert len(lines) == 22
