"""`gta demo` or `gta serve` in a process of its own, asked by raw sockets."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.commands import environment

SECRET = "a secret that no server may give away"
WAIT = 60.0


@dataclass(frozen=True)
class Target:
    """A server that runs, and the address that takes videos."""

    verb: str
    port: int
    process: int
    uploads: Path
    """Its temporary folder; beside it is a file that it must not give."""
    post: str
    good: bytes
    """A video that it answers."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stored(self) -> int:
        """Files of uploads that are there now."""
        return sum(
            path.is_file() for path in self.uploads.rglob("*") if "/ordered/" not in str(path)
        )

    def memory(self) -> int:
        """Bytes that the server's own process holds (Linux)."""
        status = Path(f"/proc/{self.process}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def request(
        self,
        head: str,
        body: bytes = b"",
        *,
        headers: str = "",
        host: str | None = None,
    ) -> bytes:
        """The bytes of a request, `Connection: close`, with the length of its body."""
        host = self.host if host is None else host
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        text = f"{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}{headers}\r\n"
        return text.encode("latin-1") + body

    def upload(self, body: bytes) -> int:
        """The status of an upload."""
        return status_of(self.ask(self.request(f"POST {self.post}", body)))

    def ask(self, data: bytes) -> bytes:
        """All that comes back; b"" where the connection ends without a word."""
        with self.connected() as connection:
            with suppress(OSError):  # sent away before its end, and told why
                connection.sendall(data)
            return everything(connection)

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)


def everything(connection: socket.socket) -> bytes:
    """What comes up to the end of a connection."""
    pieces = []
    try:
        while piece := connection.recv(2**16):
            pieces.append(piece)
    except OSError:
        pass
    return b"".join(pieces)


def status_of(answer: bytes) -> int:
    """Of HTTP; 0 where there is none."""
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found[1]) if found else 0


@contextmanager
def running(verb: str, folder: Path, good: bytes) -> Iterator[Target]:
    """`gta demo` or `gta serve` with the model of the package.

    Raises:
        ChildProcessError: It does not begin.
    """
    uploads = folder / "temporary"
    uploads.mkdir()
    (folder / "secret").write_text(SECRET)
    options = {"demo": ["--no-browser"], "serve": ["--workers", "1", "--timeout", "20"]}[verb]
    errors = folder / "errors"
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gta", verb, "ordered", "--device=cpu", "--port=0", *options],
            env=environment() | {"TMPDIR": str(uploads), "PYTHONUNBUFFERED": "1"},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"http://127\.0\.0\.1:(\d+)/", line)
        if found is None:
            raise ChildProcessError(f"gta {verb} ended: {line}{errors.read_text()}")
        post = {"demo": "/api/clips", "serve": "/predict"}[verb]
        yield Target(verb, int(found[1]), process.pid, uploads, post, good)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT)


def begun_upload(target: Target) -> bytes:
    """The beginning of an upload."""
    return target.request(f"POST {target.post}", headers="Content-Length: 1000000\r\n") + b"x"


def until(what: Callable[[], object]) -> None:
    """Waits for something to be true, for some time."""
    end = time.monotonic() + WAIT
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
