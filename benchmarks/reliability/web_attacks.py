"""What strangers try with a server: each gives how often, and how often it came through."""

import os
import socket
import threading
import time
from pathlib import Path

from benchmarks.reliability.web_target import (
    SECRET,
    Target,
    begun_upload,
    everything,
    status_of,
    until,
)

MANY = 200
_LIMIT = 64 * 2**20
"""Bytes of a body."""
_LONG = 120.0
"""Seconds after which slow connections are taken for endless."""


PATHS = (
    *("/../secret", "/../../secret", "/..%2fsecret", "/%2e%2e/secret", "/%2e%2e%2fsecret"),
    *("/%252e%252e%252fsecret", "/..%5csecret", "/..\\secret", "/....//secret", "/.%2e/secret"),
    *("//secret", "///etc/passwd", "/etc/passwd", "/%2fetc%2fpasswd", "/..%c0%afsecret"),
    *("/%c0%ae%c0%ae/secret", "/..%00/secret", "/secret%00.css", "/docs.css/../../secret"),
    *("/demo.css/../../secret", "/demo.js%2f..%2f..%2fsecret", "/api/videos/../../../secret"),
    *("/api/clips/..%2f..%2fsecret/frames/0", "/static/../../secret", "/;/../secret"),
    *("/..;/secret", "/%u002e%u002e/secret", "/file:///etc/passwd", "/..%2f" * 20 + "etc/passwd"),
)


def traversal(target: Target) -> tuple[int, int]:
    """Paths that were asked for, and answers with something of this machine."""
    given = 0
    files = (SECRET.encode(), b"root:")
    asked = [*PATHS, f"http://{target.host}/../secret", "file:///etc/passwd", f"{target.uploads}"]
    for path in asked:
        for method in ("GET", "POST"):
            answer = target.ask(target.request(f"{method} {path}"))
            given += any(content in answer for content in files)
    return 2 * len(asked), given


NAMES = (
    *("../../planted", "../planted", "..\\..\\planted", "....//planted", "planted\x00.mp4"),
    *("%2e%2e%2fplanted", "..%2fplanted", "C:\\planted", "\\\\host\\planted", "~/planted"),
    *("$(touch planted)", "`touch planted`", "|touch planted", "; touch planted", "-rf"),
    *("con", "a" * 3000, "x\r\nX-Planted: 1", '"; filename="../planted', "\u202e4pm.planted"),
)


def forged_names(target: Target, folder: Path) -> tuple[int, int]:
    """Uploads with a name that is a path or a command, and files that are there afterwards."""
    before = listing(folder)
    names = (*NAMES, str(folder / "planted"))
    for name in names:
        part = (
            b'--xx\r\nContent-Disposition: form-data; name="file"; filename="'
            + name.encode()
            + b'"\r\n\r\n'
        )
        body = part + target.good + b"\r\n--xx--\r\n"
        kinds = f"Content-Type: multipart/form-data; boundary=xx\r\nX-File-Name: {name[:20]!r}\r\n"
        target.ask(target.request(f"POST {target.post}", body, headers=ascii_only(kinds)))
    until(lambda: not target.stored())
    planted = listing(folder) - before
    return len(names), len(planted)


def ascii_only(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


def listing(folder: Path) -> set[str]:
    """All files below a folder, but for the log."""
    return {str(path) for path in folder.rglob("*") if path.is_file() and path.name != "errors"}


def strangers(target: Target) -> tuple[int, int]:
    """Requests of other pages and under other names, and those that were answered."""
    heads = [
        *({"host": name} for name in ("evil.example", "evil.example:80", "127.0.0.1", "localhost")),
        *({"host": name} for name in (f"evil.example:{target.port}", "[::1]", "0.0.0.0", "")),
        {"host": f"{target.host}@evil.example"},
        {"host": f"127.0.0.1.evil.example:{target.port}"},
        {"host": f"{target.host}\r\nHost: evil.example"},
        {"headers": "X-Forwarded-Host: 127.0.0.1\r\n", "host": "evil.example"},
        *(
            {"headers": f"Origin: {origin}\r\n"}
            for origin in (
                *("http://evil.example", "null", "file://", "http://localhost", "http://127.0.0.1"),
                *(f"http://{target.host}.evil.example", f"http://{target.host}/x", "*"),
                f"http://127.0.0.1:{target.port + 1}",
            )
        ),
    ]
    answered = 0
    for head in heads:
        for first, body in (("GET /", b""), (f"POST {target.post}", target.good)):
            status = status_of(target.ask(target.request(first, body, **head)))
            answered += status not in (0, 400, 403)
    return 2 * len(heads), answered


def large_bodies(target: Target) -> tuple[int, int]:
    """Bodies above the limit, of a known and of an unknown length, and those not refused."""
    taken = 0
    declared = target.request(f"POST {target.post}", headers=f"Content-Length: {2**40}\r\n")
    with target.connected() as connection:
        connection.sendall(declared)
        taken += status_of(everything(connection)) != 413
    for piece in (b"10000\r\n" + b"x" * 65536 + b"\r\n", b"1\r\nx\r\n" * 10_000):
        with target.connected() as connection:
            head = target.request(f"POST {target.post}", headers="Transfer-Encoding: chunked\r\n")
            connection.sendall(head)
            sent, answer = 0, b""
            try:
                while sent < 2 * _LIMIT:
                    connection.sendall(piece)
                    sent += len(piece)
            except OSError:
                pass  # it hangs up
            answer = everything(connection)
            whole = sent >= 2 * _LIMIT and status_of(answer) not in (0, 408, 413)
            taken += whole
    lies = "Content-Length: 10\r\nContent-Length: 20\r\n", "Content-Length: -1\r\n"
    lies += ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n")
    for headers in lies:
        answer = target.ask(target.request(f"POST {target.post}", headers=headers) + b"0\r\n\r\n")
        taken += status_of(answer) == 200
    return 3 + len(lies), taken


def odd_requests(target: Target) -> tuple[int, int]:
    """Requests that are no HTTP or none of ours, and those that upset the server."""
    junk = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500),
        b"\x00" * 10_000,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"G" * 1_000_000,
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\x00B: c\r\n\r\n",
        target.request("GET /", headers="Upgrade: websocket\r\nConnection: upgrade\r\n"),
    ]
    chunked = f"POST {target.post} HTTP/1.1\r\nHost: {target.host}\r\nTransfer-Encoding: chunked"
    for rest in ("ZZZ", "5\r\nhello", "-1\r\n", "5\r\nhelloXX3", "f" * 30):
        junk.append(f"{chunked}\r\n\r\n{rest}\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode())
    whole = f"GET /nothing HTTP/1.1\r\nHost: {target.host}\r\n\r\n"
    junk.append(f"{whole}\x00\x01\r\n\r\n".encode())
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "G" * 5000):
        junk.append(target.request(f"{method} {target.post}"))
        junk.append(target.request(f"{method} /"))
    wrong = 0
    for data in junk:
        status = status_of(target.ask(data))
        wrong += status >= 500 or (status == 200 and b"upgrade" not in data)
    return len(junk), wrong


def broken_off(target: Target) -> tuple[int, int]:
    """Connections that end in the middle of a body, and files of theirs that stay."""
    for place in range(50):
        with target.connected() as connection:
            body = target.good * (1 + place % 3)
            connection.sendall(target.request(f"POST {target.post}", body)[: -1 - place])
            if place % 2:  # a reset, not an end
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    until(lambda: not target.stored())
    return 50, target.stored()


def at_a_time(target: Target) -> tuple[int, int, int]:
    """Many good requests at once: how many, those answered, and those without any word."""
    statuses = list[int]()

    def ask() -> None:
        statuses.append(target.upload(target.good))

    threads = [threading.Thread(target=ask) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    silent = sum(status not in (200, 429, 503) for status in statuses)
    return MANY, statuses.count(200), silent


def slow_ones(target: Target) -> tuple[int, bool, float]:
    """Connections that send a byte now and then, whether others are served, and their end."""
    begun = [
        b"",
        b"GET / HT",
        begun_upload(target),
        target.request(f"POST {target.post}", headers="Transfer-Encoding: chunked\r\n") + b"5\r\n",
    ]
    began, connections = time.monotonic(), list[socket.socket]()
    for place in range(MANY):
        connection = target.connected()
        connection.sendall(begun[place % len(begun)])
        connection.setblocking(False)
        connections.append(connection)
    served = target.upload(target.good) == 200
    while connections and time.monotonic() - began < _LONG:
        connections = [each for each in connections if still_there(each)]
        time.sleep(0.5)
    return MANY, served, time.monotonic() - began


def still_there(connection: socket.socket) -> bool:
    """Sends a byte; whether the other side still takes it."""
    try:
        connection.send(b"1")
        if connection.recv(2**16) == b"":
            raise ConnectionResetError
    except BlockingIOError:
        return True
    except OSError:
        connection.close()
        return False
    return True
